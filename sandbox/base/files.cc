#include "sandbox/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "sandbox/base/paths.h"

namespace rune {

Result<UniqueFd> OpenFile(const std::string& path, int flags, unsigned mode) {
  // Whatever is there: a pipe without anybody at its other end is an error, or empty, never a reason to wait.
  const bool waits = (flags & (O_PATH | O_NONBLOCK)) == 0;
  const int more = O_CLOEXEC | (waits ? O_NONBLOCK | O_NOCTTY : 0);
  UniqueFd fd(RetryOnEintr([&] { return ::open(path.c_str(), flags | more, mode); }));
  if (!fd.valid()) return Error::FromErrno(path);
  if (waits) ::fcntl(fd.get(), F_SETFL, flags);
  return fd;
}

Result<std::string> ReadAll(int fd, std::size_t max_bytes) {
  std::string data;
  std::vector<char> buffer(64 << 10);
  while (true) {
    const ssize_t n = RetryOnEintr([&] { return ::read(fd, buffer.data(), buffer.size()); });
    if (n < 0) return Error::FromErrno("read");
    if (n == 0) return data;
    if (data.size() + static_cast<std::size_t>(n) > max_bytes) {
      return Error::Invalid("more than " + std::to_string(max_bytes) + " bytes");
    }
    data.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  RUNE_ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(path, O_RDONLY));
  auto data = ReadAll(fd.get(), max_bytes);
  if (!data.ok()) return std::move(data).error().Wrap(path);
  return data;
}

Result<void> WriteAll(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = RetryOnEintr([&] { return ::write(fd, data.data(), data.size()); });
    if (n < 0) return Error::FromErrno("write");
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  return Ok();
}

Result<void> WriteFileAtomic(const std::string& path, std::string_view data, WriteOptions options) {
  struct stat target{};
  if (::stat(path.c_str(), &target) == 0 && !S_ISREG(target.st_mode) && !S_ISDIR(target.st_mode)) {
    // A device or a pipe (/dev/stderr, /dev/null) is written to; a rename would replace it for the whole machine.
    RUNE_ASSIGN_OR_RETURN(const UniqueFd device, OpenFile(path, O_WRONLY | O_NOCTTY));
    auto written = WriteAll(device.get(), data);
    return written.ok() ? Ok() : Result<void>(std::move(written).error().Wrap(path));
  }
  std::string temporary = path + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return Error::FromErrno(path);
  const auto write = [&]() -> Result<void> {
    RUNE_RETURN_IF_ERROR(WriteAll(fd.get(), data));
    if (::fchmod(fd.get(), options.mode) != 0) return Error::FromErrno("fchmod");
    if (::fsync(fd.get()) != 0) return Error::FromErrno("fsync");
    if (::rename(temporary.c_str(), path.c_str()) != 0) return Error::FromErrno("rename");
    return Ok();
  };
  auto written = write();
  if (written.ok()) return Ok();
  ::unlink(temporary.c_str());
  return std::move(written).error().Wrap(path);
}

Result<void> MakeDirs(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0) return Ok();
  if (errno == ENOENT) {
    const std::string parent = ParentOf(path);
    if (parent == path) return Error::FromErrno(path);
    RUNE_RETURN_IF_ERROR(MakeDirs(parent, mode));
    if (::mkdir(path.c_str(), mode) == 0) return Ok();
  }
  struct stat info{};
  const int err = errno;
  if (err == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return Ok();
  return Error::FromErrno(path, err);
}

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace rune
