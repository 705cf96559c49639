#include "sandbox/base/held_file.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"

namespace rune {
namespace {

constexpr int kPatience = 2'000;  ///< Milliseconds for somebody at the other end to take something.

}  // namespace

Result<HeldFile> HeldFile::Hold(const std::string& path) {
  struct stat info{};
  const bool there = ::stat(path.c_str(), &info) == 0;
  if (there && S_ISDIR(info.st_mode)) return Error::FromErrno(path, EISDIR);
  if (there && !S_ISREG(info.st_mode)) {
    HeldFile held(path, "");
    held.special_.Reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!held.special_.valid() && errno == ENXIO) return Error::Invalid(path + ": a pipe that nobody reads");
    if (!held.special_.valid()) return Error::FromErrno(path);
    return held;
  }
  const std::string real = there ? RealPath(path).value_or(path) : path;
  HeldFile held(path, std::string(FileName(real)));
  held.directory_.Reset(::open(ParentOf(real).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!held.directory_.valid()) return Error::FromErrno(path);
  return held;
}

Result<void> HeldFile::Write(std::string_view data) const { return special_.valid() ? Pass(data) : Replace(data); }

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
    if (::fchmod(fd.get(), 0644) != 0 || ::fsync(fd.get()) != 0) return Error::FromErrno(path_);
    if (::renameat(directory_.get(), fresh.c_str(), directory_.get(), name_.c_str()) != 0)
      return Error::FromErrno(path_);
    return Ok();
  };
  auto written = write();
  if (!written.ok()) ::unlinkat(directory_.get(), fresh.c_str(), 0);
  return written;
}

Result<void> HeldFile::Pass(std::string_view data) const {
  while (!data.empty()) {
    const ssize_t n = RetryOnEintr([&] { return ::write(special_.get(), data.data(), data.size()); });
    if (n >= 0) {
      data.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno != EAGAIN) return Error::FromErrno(path_);
    pollfd ready{special_.get(), POLLOUT, 0};
    if (::poll(&ready, 1, kPatience) <= 0) return Error::Invalid(path_ + ": nobody takes what is written");
  }
  return Ok();
}

}  // namespace rune
