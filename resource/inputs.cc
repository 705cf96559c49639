#include "resource/inputs.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"
#include "sandbox/base/unique_fd.h"

namespace rune::resource {
namespace {

constexpr std::array<std::string_view, 8> kVariables{
    "BUILD_ID",        "BUILD_NAME", "BUILD_JOB_NAME", "BUILD_PIPELINE_NAME",
    "BUILD_TEAM_NAME", "BUILD_URL",  "BUILD_STATUS",   "ATC_EXTERNAL_URL"};
// O_NONBLOCK: opening a FIFO must not wait for a writer.
constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

/// For kernels and seccomp profiles without openat2(2): one component at a time, no symbolic links at all.
int OpenStepwise(int root, std::string_view path) {
  UniqueFd directory(::dup(root));
  const auto parts = Split(path, '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string part(parts[i]);
    if (part.empty() || part == ".") continue;
    if (part == "..") return errno = EXDEV, -1;
    const bool last = i + 1 == parts.size();
    const int flags = last ? kFlags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd next(RetryOnEintr([&] { return ::openat(directory.get(), part.c_str(), flags); }));
    if (!next.valid() || last) return next.Release();
    directory = std::move(next);
  }
  return errno = EISDIR, -1;
}

int OpenBeneath(int root, const std::string& path) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(kFlags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const auto fd =
      RetryOnEintr([&] { return static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)); });
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
  if (path.starts_with('/')) return errno = EXDEV, -1;
  return OpenStepwise(root, path);
}

bool IsNameChar(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

}  // namespace

Result<std::string> ReadInput(const std::string& root, const std::string& path, std::size_t max_bytes) {
  const std::string shown = "'" + OneLine(path, 200) + "'";
  RUNE_ASSIGN_OR_RETURN(const UniqueFd directory, OpenFile(root, O_PATH | O_DIRECTORY));
  const UniqueFd fd(OpenBeneath(directory.get(), path));
  if (!fd.valid()) {
    if (errno == EXDEV || errno == ELOOP) return Error::Invalid(shown + " leads out of the build's inputs");
    return Error::Invalid(Error::FromErrno(shown).message);
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return Error::FromErrno(shown);
  if (S_ISDIR(status.st_mode)) return Error::Invalid(shown + " is a directory; name a file");
  if (!S_ISREG(status.st_mode)) return Error::Invalid(shown + " is not a regular file");
  auto text = ReadAll(fd.get(), max_bytes);
  if (!text.ok()) return std::move(text).error().Wrap(shown);
  return MakeSafe(*text).text;
}

std::string ExpandBuildVariables(std::string_view text, const Lookup& lookup) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool braced = text.substr(i).starts_with("${");
    const std::size_t start = i + (braced ? 2 : 1);
    std::size_t end = start;
    while (end < text.size() && IsNameChar(text[end])) ++end;
    const std::string_view name = text[i] == '$' ? text.substr(start, end - start) : std::string_view();
    const bool known = std::find(kVariables.begin(), kVariables.end(), name) != kVariables.end();
    if (!known || (braced && (end == text.size() || text[end] != '}'))) {
      out += text[i];
      continue;
    }
    out += lookup(std::string(name)).value_or("");
    i = braced ? end : end - 1;
  }
  return out;
}

}  // namespace rune::resource
