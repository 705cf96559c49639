#include "sandbox/base/named_file.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune {
namespace {

constexpr int kPatience = 1'000;  ///< Milliseconds for somebody at the other end to take something.

Result<void> CheckKind(const std::string& path, const struct stat& info) {
  if (S_ISREG(info.st_mode)) return Ok();
  if (S_ISLNK(info.st_mode)) return Error::Invalid(path + ": is a link; name the file that is meant");
  if (S_ISDIR(info.st_mode)) return Error::FromErrno(path, EISDIR);
  return Error::Invalid(path + ": is no regular file");
}

Result<UniqueFd> TakeGiven(const std::string& path, int given, int flags) {
  UniqueFd fd(::fcntl(given, F_DUPFD_CLOEXEC, 0));
  if (!fd.valid()) return Error::FromErrno(path);
  const int mode = ::fcntl(given, F_GETFL) & O_ACCMODE;
  const int wanted = flags & O_ACCMODE;
  if (mode != O_RDWR && mode != wanted)
    return Error::Invalid(path + (wanted == O_RDONLY ? ": cannot be read" : ": cannot be written"));
  return fd;
}

}  // namespace

std::optional<int> GivenDescriptor(std::string_view path) {
  constexpr std::array<std::string_view, 3> kStandard{"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  const auto* const found = std::find(kStandard.begin(), kStandard.end(), path);
  if (found != kStandard.end()) return static_cast<int>(found - kStandard.begin());
  for (const std::string_view directory : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(directory)) continue;
    const auto number = ParseInt(path.substr(directory.size()));
    if (number && *number >= 0 && *number <= INT_MAX) return static_cast<int>(*number);
  }
  return std::nullopt;
}

Result<UniqueFd> OpenNamed(const std::string& path, int flags, unsigned mode) {
  if (const auto given = GivenDescriptor(path)) return TakeGiven(path, *given, flags);
  const UniqueFd directory(
      RetryOnEintr([&] { return ::open(ParentOf(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  if (!directory.valid()) return Error::FromErrno(path);
  const std::string name(FileName(path));
  struct stat info{};
  // Looked at before it is opened as well: opening some devices does something.
  if (::fstatat(directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && (flags & O_EXCL) == 0)
    RUNE_RETURN_IF_ERROR(CheckKind(path, info));
  const int more = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  UniqueFd fd(RetryOnEintr([&] { return ::openat(directory.get(), name.c_str(), flags | more, mode); }));
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0) return Error::FromErrno(path);
  RUNE_RETURN_IF_ERROR(CheckKind(path, info));
  return fd;
}

Result<std::string> ReadNamed(EventLoop& loop, const std::string& path, std::size_t max_bytes) {
  RUNE_ASSIGN_OR_RETURN(const UniqueFd fd, OpenNamed(path, O_RDONLY));
  std::string data;
  bool ended = false;
  int error = 0;
  loop.Watch(fd.get(), POLLIN, [&](short) {
    std::array<char, 64 << 10> buffer;
    const ssize_t n = RetryOnEintr([&] { return ::read(fd.get(), buffer.data(), buffer.size()); });
    if (n > 0) return void(data.append(buffer.data(), static_cast<std::size_t>(n)));
    if (n < 0 && errno == EAGAIN) return;
    ended = true;
    error = n < 0 ? errno : 0;
  });
  const auto wake = loop.RunUntil([&] { return ended || data.size() > max_bytes; });
  loop.Unwatch(fd.get());
  if (wake == EventLoop::Wake::kInterrupted) return Error{ErrorKind::kCancelled, path + ": interrupted"};
  if (error != 0) return Error::FromErrno(path, error);
  if (data.size() > max_bytes) return Error::Invalid(path + ": more than " + std::to_string(max_bytes) + " bytes");
  return data;
}

Result<void> WritePatiently(int fd, std::string_view data) {
  while (!data.empty()) {
    pollfd ready{fd, POLLOUT, 0};
    if (RetryOnEintr([&] { return ::poll(&ready, 1, kPatience); }) <= 0)
      return Error::Invalid("nobody takes what is written");
    // pipe(7): a pipe that can be written to has room for this much.
    const std::size_t piece = std::min<std::size_t>(data.size(), PIPE_BUF);
    const ssize_t n = RetryOnEintr([&] { return ::write(fd, data.data(), piece); });
    if (n < 0 && errno != EAGAIN) return Error::FromErrno("write");
    if (n > 0) data.remove_prefix(static_cast<std::size_t>(n));
  }
  return Ok();
}

}  // namespace rune
