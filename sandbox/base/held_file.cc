#include "sandbox/base/held_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "sandbox/base/files.h"
#include "sandbox/base/named_file.h"
#include "sandbox/base/paths.h"

namespace rune {

Result<HeldFile> HeldFile::Hold(const std::string& path, unsigned mode) {
  HeldFile held(path, mode);
  if (GivenDescriptor(path)) {
    RUNE_ASSIGN_OR_RETURN(held.special_, OpenNamed(path, O_WRONLY));
    return held;
  }
  held.name_ = FileName(path);
  held.directory_.Reset(::open(ParentOf(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!held.directory_.valid()) return Error::FromErrno(path);
  struct stat info{};
  if (::fstatat(held.directory_.get(), held.name_.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) return Error::FromErrno(path);
    return held;
  }
  if (S_ISDIR(info.st_mode)) return Error::FromErrno(path, EISDIR);
  if (S_ISLNK(info.st_mode)) return Error::Invalid(path + ": is a link; name the file that is meant");
  if (S_ISREG(info.st_mode)) return held;
  held.special_.Reset(
      ::openat(held.directory_.get(), held.name_.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC));
  if (!held.special_.valid() && errno == ENXIO) return Error::Invalid(path + ": a pipe that nobody reads");
  if (!held.special_.valid()) return Error::FromErrno(path);
  return held;
}

Result<std::optional<std::string>> HeldFile::Read(std::size_t max_bytes) const {
  if (!is_regular()) return Error::Invalid(path_ + ": is no regular file");
  const UniqueFd fd(
      ::openat(directory_.get(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return std::optional<std::string>();
  struct stat info{};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0) return Error::FromErrno(path_);
  if (!S_ISREG(info.st_mode)) return Error::Invalid(path_ + ": is no regular file");
  auto data = ReadAll(fd.get(), max_bytes);
  if (!data.ok()) return std::move(data).error().Wrap(path_);
  return std::optional<std::string>(std::move(data).value());
}

Result<void> HeldFile::Write(std::string_view data) const {
  if (is_regular()) return Replace(data);
  auto written = WritePatiently(special_.get(), data);
  return written.ok() ? Ok() : Result<void>(std::move(written).error().Wrap(path_));
}

Result<void> HeldFile::Replace(std::string_view data) const {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random))
    return Error::FromErrno("getrandom");
  const std::string fresh = "." + name_ + "." + std::to_string(random);
  const UniqueFd fd(
      ::openat(directory_.get(), fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return Error::FromErrno(path_);
  const auto write = [&]() -> Result<void> {
    RUNE_RETURN_IF_ERROR(WriteAll(fd.get(), data));
    if (::fchmod(fd.get(), mode_) != 0 || ::fsync(fd.get()) != 0) return Error::FromErrno(path_);
    if (::renameat(directory_.get(), fresh.c_str(), directory_.get(), name_.c_str()) != 0)
      return Error::FromErrno(path_);
    return Ok();
  };
  auto written = write();
  if (!written.ok()) ::unlinkat(directory_.get(), fresh.c_str(), 0);
  return written;
}

}  // namespace rune
