#include "agent/config/trust.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/base/encoding.h"
#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::size_t kMaxList = 1u << 20;

std::string ListPath(const std::string& home) { return home + "/.rune/trusted"; }

/// What a configuration file says, in one word; empty when there is none that LoadConfig() would read.
std::string Fingerprint(const std::string& path) {
  const auto fd = OpenFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat info{};
  if (!fd.ok() || ::fstat(fd->get(), &info) != 0 || !S_ISREG(info.st_mode)) return "";
  const auto text = ReadAll(fd->get(), kMaxList);
  return text.ok() ? Base64UrlEncode(*text) : "";
}

/// The line of a directory, without newline.
Result<std::string> LineOf(const std::string& dir) {
  const auto resolved = RealPath(dir);
  struct stat info{};
  if (!resolved || ::stat(resolved->c_str(), &info) != 0) return Error::FromErrno(dir);
  if (!S_ISDIR(info.st_mode)) return Error::FromErrno(dir, ENOTDIR);
  const std::string& path = *resolved;
  if (path.find('\n') != std::string::npos) return Error::Invalid("the path of the directory has a line break");
  return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) + ":" + Fingerprint(path + "/rune.toml") +
         ":" + Fingerprint(path + "/.rune/rune.toml") + " " + path;
}

/// Empty when there is none that can be believed.
std::string ReadList(const std::string& home) {
  const auto fd = OpenFile(ListPath(home), O_RDONLY | O_NONBLOCK);
  struct stat info{};
  if (!fd.ok() || ::fstat(fd->get(), &info) != 0) return "";
  const bool own = info.st_uid == ::geteuid() || info.st_uid == 0;
  if (!S_ISREG(info.st_mode) || !own || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "";
  auto text = ReadAll(fd->get(), kMaxList);
  return text.ok() ? std::move(text).value() : "";
}

bool HasLine(const std::string& list, const std::string& line) {
  const auto lines = Split(list, '\n');
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

}  // namespace

bool IsTrusted(const std::string& dir, const std::string& home) {
  if (home.empty()) return false;
  const auto line = LineOf(dir);
  return line.ok() && HasLine(ReadList(home), *line);
}

Result<void> TrustDirectory(const std::string& dir, const std::string& home) {
  if (home.empty()) return Error::Invalid("HOME is not set: there is no place to remember a trusted directory");
  RUNE_ASSIGN_OR_RETURN(const std::string line, LineOf(dir));
  const std::string_view path = std::string_view(line).substr(line.find(' '));
  const std::string before = ReadList(home);
  std::string list;
  for (const std::string_view known : Split(before, '\n')) {
    if (!known.empty() && known.substr(std::min(known.find(' '), known.size())) != path)
      list.append(known).append("\n");
  }
  RUNE_RETURN_IF_ERROR(MakeDirs(home + "/.rune", 0700));
  return WriteFileAtomic(ListPath(home), list + line + "\n", {.mode = 0600});
}

}  // namespace rune::agent
