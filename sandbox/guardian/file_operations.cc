#include "sandbox/guardian/file_operations.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "sandbox/base/encoding.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"
#include "sandbox/guardian/file_search.h"
#include "sandbox/guardian/utf16_text.h"
#include "sandbox/guardian/write_place.h"

namespace rune::sandbox {
namespace {

using Arguments = std::vector<std::string>;

constexpr std::size_t kReadBytes = 48 << 10;
constexpr std::size_t kScanBytes = 64u << 20;  ///< Read on to here only to tell how many lines there are.
constexpr std::int64_t kMaxLines = 1'000'000'000;
constexpr std::size_t kMaxExpression = 1000;
constexpr std::size_t kMaxEdit = 16u << 20;
constexpr std::size_t kMaxInput = 64u << 20;
constexpr std::size_t kProcFile = 64 << 10;

int Complain(const std::string& what) {
  const int err = errno;
  const bool refused = err == EACCES || err == EPERM || err == EROFS;
  const std::string line = what + ": " + std::strerror(err) + "\n";
  const auto ignored = WriteAll(STDERR_FILENO, line);
  return refused ? kExitDenied : 1;
}

int Refuse(const std::string& line) {
  const auto ignored = WriteAll(STDERR_FILENO, line + "\n");
  return 1;
}

constexpr std::size_t kMaxUtf16 = 16u << 20;  ///< A larger file is described as a binary one.

/// What went wrong with a place to write.
int Explain(const WritePlace& place) {
  if (place.failure == WriteFailure::kProtected) {
    Refuse(place.path + ": protected: something could run from it later, outside of the sandbox");
    return kExitProtected;
  }
  errno = place.error;
  return Complain(place.path);
}

int Say(const std::string& text) { return WriteAll(STDOUT_FILENO, text).ok() ? 0 : Complain("standard output"); }

/// Opens what read may look at: a regular file. Never blocks on a FIFO or a device.
Result<UniqueFd> OpenRegular(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return Error::FromErrno(path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return Error::FromErrno(path);
  if (S_ISDIR(info.st_mode)) return Error::FromErrno(path, errno = EISDIR);
  if (!S_ISREG(info.st_mode)) return Error::Invalid(path + ": not a regular file");
  return fd;
}

std::string Describe(const std::string& path, int fd) {
  struct stat info{};
  ::fstat(fd, &info);
  char head[16] = {};
  const ssize_t n = ::pread(fd, head, sizeof head, 0);
  return path + ": binary file, " + std::to_string(info.st_size) + " bytes, begins with " +
         HexEncode(std::string_view(head, static_cast<std::size_t>(std::max<ssize_t>(n, 0)))) + "\n";
}

/// Prints lines as they are read, so that a file of any size costs one buffer.
class LinePrinter {
 public:
  LinePrinter(std::int64_t first, std::int64_t count) : first_(first), count_(count) {}
  bool Feed(std::string_view data) {
    for (std::size_t at = 0; at < data.size();) {
      const std::size_t end = std::min(data.find('\n', at), data.size() - 1) + 1;
      const std::string_view piece = data.substr(at, end - at);
      if (line_ >= first_ && !full_) Take(piece);
      if (piece.back() == '\n') ++line_;
      ended_in_newline_ = piece.back() == '\n';
      at = end;
    }
    return true;
  }
  bool full() const { return full_; }
  /// `about` goes before the number of lines when the rest of the file was not looked at.
  std::string Finish(const std::string& about) {
    const std::int64_t lines = line_ - (ended_in_newline_ ? 1 : 0);
    if (lines > 0 && first_ > lines) return "[the file has " + about + std::to_string(lines) + " lines]\n";
    if (next_ == 0 || next_ > lines) return std::move(out_);
    if (!out_.empty() && out_.back() != '\n') out_ += '\n';
    return std::move(out_) + "[lines " + std::to_string(first_) + " to " + std::to_string(next_ - 1) + " of " + about +
           std::to_string(lines) + "; go on with offset " + std::to_string(next_) + "]\n";
  }

 private:
  void Take(std::string_view piece) {
    const bool past_count = count_ > 0 && line_ >= first_ + count_;
    if (past_count || out_.size() + piece.size() > kReadBytes) {
      full_ = true;
      // A single line longer than the whole budget is cut: there is no better place to stop.
      if (out_.empty()) out_ = std::string(Utf8Prefix(piece, kReadBytes)) + "\n[line cut here]\n";
      next_ = out_.empty() || past_count ? line_ : std::max(line_, first_ + 1);
      return;
    }
    out_ += piece;
  }
  std::int64_t first_;
  std::int64_t count_;
  std::int64_t line_ = 1;
  std::int64_t next_ = 0;
  bool full_ = false;
  bool ended_in_newline_ = true;
  std::string out_;
};

int Read(const Arguments& args, const WriteRules&) {
  auto fd = OpenRegular(args[1]);
  if (!fd.ok()) return fd.error().kind == ErrorKind::kSystem ? Complain(args[1]) : Refuse(fd.error().message);
  std::vector<char> buffer(64 << 10);
  LinePrinter printer(std::clamp<std::int64_t>(ParseInt(args[2]).value_or(1), 1, kMaxLines),
                      std::clamp<std::int64_t>(ParseInt(args[3]).value_or(0), 0, kMaxLines));
  bool first = true;
  std::size_t scanned = 0;
  while (true) {
    const ssize_t n = RetryOnEintr([&] { return ::read(fd->get(), buffer.data(), buffer.size()); });
    if (n < 0) return Complain(args[1]);
    if (n == 0) break;
    const std::string_view data(buffer.data(), static_cast<std::size_t>(n));
    scanned += data.size();
    if (scanned > kScanBytes && printer.full()) break;
    if (first && StartsAsUtf16(data)) {
      auto rest = ReadAll(fd->get(), kMaxUtf16);
      if (const auto text = rest.ok() ? Utf8FromUtf16(std::string(data) + *rest) : std::nullopt) {
        printer.Feed(*text);
        break;
      }
    }
    if (first && LooksBinary(data)) return Say(Describe(args[1], fd->get()));
    first = false;
    printer.Feed(data);
  }
  return Say(printer.Finish(scanned > kScanBytes ? "more than " : ""));
}

int Write(const Arguments& args, const WriteRules& rules) {
  const auto content = ReadAll(STDIN_FILENO, kMaxInput);
  if (!content.ok()) return Refuse("content: " + content.error().message);
  const std::string& path = args[1];
  const WritePlace place = OpenForWriting(path, O_WRONLY | O_CREAT | O_TRUNC, rules);
  if (place.failure != WriteFailure::kNone) return Explain(place);
  if (!WriteAll(place.fd.get(), *content).ok()) return Complain(path);
  return Say("Written " + std::to_string(content->size()) + " bytes to " + path + "\n");
}

int Edit(const Arguments& args, const WriteRules& rules) {
  const auto input = ReadAll(STDIN_FILENO, kMaxInput);
  if (!input.ok()) return Refuse("input: " + input.error().message);
  const std::size_t newline = input->find('\n');
  const auto length = ParseInt(std::string_view(*input).substr(0, newline));
  if (newline == std::string::npos || !length || *length <= 0) return Refuse("the text to replace is empty");
  const std::string old_text = input->substr(newline + 1, static_cast<std::size_t>(*length));
  const std::string new_text = input->substr(std::min(input->size(), newline + 1 + static_cast<std::size_t>(*length)));

  const WritePlace place = OpenForWriting(args[1], O_RDWR, rules);
  if (place.failure != WriteFailure::kNone) return Explain(place);
  const int fd = place.fd.get();
  struct stat info{};
  if (::fstat(fd, &info) != 0) return Complain(args[1]);
  if (!S_ISREG(info.st_mode)) return Refuse(args[1] + ": not a regular file");
  auto content = ReadAll(fd, kMaxEdit);
  if (!content.ok()) return Refuse(args[1] + ": " + content.error().message);
  std::size_t matches = 0;
  for (std::size_t at = content->find(old_text); at != std::string::npos; at = content->find(old_text, at + 1))
    ++matches;
  if (matches == 0) return Refuse(args[1] + ": the text to replace does not occur");
  if (matches > 1) {
    return Refuse(args[1] + ": the text to replace occurs " + std::to_string(matches) +
                  " times; give more of its surroundings");
  }
  content->replace(content->find(old_text), old_text.size(), new_text);
  if (::lseek(fd, 0, SEEK_SET) != 0 || !WriteAll(fd, *content).ok() ||
      ::ftruncate(fd, static_cast<off_t>(content->size())) != 0) {
    return Complain(args[1]);
  }
  return Say("Replaced 1 occurrence in " + args[1] + "\n");
}

char Mark(const struct stat& info) {
  if (S_ISDIR(info.st_mode)) return '/';
  if (S_ISLNK(info.st_mode)) return '@';
  if (S_ISFIFO(info.st_mode)) return '|';
  if (S_ISSOCK(info.st_mode)) return '=';
  return (info.st_mode & 0111) != 0 ? '*' : '\0';
}

int List(const Arguments& args, const WriteRules&) {
  DIR* dir = ::opendir(args[1].c_str());
  if (dir == nullptr) return Complain(args[1]);
  std::map<std::string, std::string> lines;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat info{};
    std::string line = OneName(name);
    if (::fstatat(::dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
      if (const char mark = Mark(info)) line += mark;
      if (S_ISREG(info.st_mode)) line += "  " + std::to_string(info.st_size);
    }
    lines[name] = line;
  }
  ::closedir(dir);
  std::string out;
  for (const auto& [name, line] : lines) out += line + "\n";
  return Say(out.empty() ? "[empty directory]\n" : out);
}

/// Fields of /proc/PID/status worth telling, in its own order (proc(5)).
int Inspect(const Arguments& args, const WriteRules&) {
  const auto pid = ParseInt(args[1]);
  if (!pid || *pid <= 0) return Refuse("not a process id: " + args[1]);
  const std::string dir = "/proc/" + std::to_string(*pid);
  const auto status = ReadFile(dir + "/status", kProcFile);
  if (!status.ok()) return Exists(dir) ? Complain(dir) : Say("process_not_found\n");
  std::string out;
  for (const std::string_view line : Split(*status, '\n')) {
    for (const std::string_view field : {"Name:", "State:", "Pid:", "PPid:", "Uid:", "Threads:", "VmRSS:"}) {
      if (line.starts_with(field)) out.append(line).append("\n");
    }
  }
  if (auto command = ReadFile(dir + "/cmdline", kProcFile); command.ok() && !command->empty()) {
    std::replace(command->begin(), command->end(), '\0', ' ');
    out += "Command: " + std::string(Trim(*command)) + "\n";
  }
  return Say(out);
}

int Find(const Arguments& args, const WriteRules&) {
  SearchReport report;
  if (!FindFiles(args[1], args[2], static_cast<std::size_t>(ParseInt(args[3]).value_or(500)), report))
    return Complain(args[1]);
  return Say(report.text);
}

int Search(const Arguments& args, const WriteRules&) {
  SearchReport report;
  if (args[2].size() > kMaxExpression) return Refuse("the expression has more than 1000 bytes");
  const SearchQuery query{args[1], args[2], args[3], static_cast<std::size_t>(ParseInt(args[4]).value_or(200))};
  if (!SearchFiles(query, report)) return report.text.empty() ? Complain(args[1]) : Refuse(report.text);
  return Say(report.text);
}

struct Operation {
  std::size_t arguments;  ///< The name included.
  int (*run)(const Arguments&, const WriteRules&);
};

const std::map<std::string_view, Operation>& Operations() {
  static const std::map<std::string_view, Operation> operations{
      {"read", {4, Read}}, {"write", {2, Write}},   {"edit", {2, Edit}},       {"list", {2, List}},
      {"find", {4, Find}}, {"search", {5, Search}}, {"inspect", {2, Inspect}},
  };
  return operations;
}

}  // namespace

int RunFileOperation(const Arguments& argv, const WriteRules& rules) {
  const auto found = argv.empty() ? Operations().end() : Operations().find(argv[0]);
  if (found == Operations().end()) return Refuse("no such file operation");
  if (argv.size() != found->second.arguments)
    return Refuse("file operation " + argv[0] + ": wrong number of arguments");
  return found->second.run(argv, rules);
}

}  // namespace rune::sandbox
