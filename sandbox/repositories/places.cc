#include "sandbox/repositories/places.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {

bool Stamp::operator==(const Stamp& other) const {
  if (exists != other.exists || !exists) return exists == other.exists;
  return mode == other.mode && device == other.device && inode == other.inode && size == other.size &&
         changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
}

Stamp StampOf(int directory, const std::string& name) {
  struct stat info{};
  if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return {};
  return {true, info.st_mode, info.st_dev, info.st_ino, info.st_size, info.st_ctim};
}

UniqueFd OpenBelow(int directory, std::string_view path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd at(::openat(directory, ".", kFlags));
  for (const std::string_view name : Split(path, '/')) {
    if (name.empty() || name == ".") continue;
    if (!at.valid() || name == "..") return UniqueFd();
    at = UniqueFd(::openat(at.get(), std::string(name).c_str(), kFlags));
  }
  return at;
}

std::optional<std::string> ReadBelow(int directory, const std::string& name, std::size_t max) {
  const UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat info{};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  auto text = ReadAll(fd.get(), max);
  return text.ok() ? std::optional(std::move(text).value()) : std::nullopt;
}

std::string LinkAt(int directory, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(directory, name.c_str(), target, sizeof target);
  return length > 0 ? std::string(target, static_cast<std::size_t>(length)) : std::string();
}

namespace {

/// A name that nobody can have taken before.
std::string FreshName(const std::string& name) {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random))
    random = static_cast<std::uint64_t>(::getpid());
  return name + ".restored-" + std::to_string(random);
}

/// A command may have closed a directory of its own uid to itself, and so to us.
UniqueFd Create(int directory, const std::string& name) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(::openat(directory, name.c_str(), kFlags, 0600));
  if (fd.valid() || errno != EACCES || !OpenForWriting(directory)) return fd;
  return UniqueFd(::openat(directory, name.c_str(), kFlags, 0600));
}

}  // namespace

bool OpenForWriting(int directory) {
  struct stat info{};
  return ::fstat(directory, &info) == 0 && ::fchmod(directory, (info.st_mode & 07777) | 0700) == 0;
}

bool RemoveBelow(int directory, const std::string& name) {
  const Stamp stamp = StampOf(directory, name);
  const int flags = stamp.exists && S_ISDIR(stamp.mode) ? AT_REMOVEDIR : 0;
  if (::unlinkat(directory, name.c_str(), flags) == 0) return true;
  if (flags != 0 && errno == ENOTEMPTY) return RemoveTreeAt(directory, name).ok();
  return errno == EACCES && OpenForWriting(directory) && ::unlinkat(directory, name.c_str(), flags) == 0;
}

Result<void> PutBelow(int directory, const std::string& name, std::string_view text, const struct stat& like) {
  const std::string fresh = FreshName(name);
  {
    const UniqueFd fd = Create(directory, fresh);
    if (!fd.valid()) return Error::FromErrno(name);
    RUNE_RETURN_IF_ERROR(WriteAll(fd.get(), text));
    // Owner first: a change of it takes mode bits away. Not being allowed to means that it is ours already.
    [[maybe_unused]] const int ignored = ::fchown(fd.get(), like.st_uid, like.st_gid);
    if (::fchmod(fd.get(), like.st_mode & 07777) != 0) return Error::FromErrno(name);
  }
  if (::renameat(directory, fresh.c_str(), directory, name.c_str()) == 0) return Ok();
  if (errno == EISDIR && RemoveBelow(directory, name) &&
      ::renameat(directory, fresh.c_str(), directory, name.c_str()) == 0)
    return Ok();
  const int err = errno;
  ::unlinkat(directory, fresh.c_str(), 0);
  return Error::FromErrno(name, err);
}

}  // namespace rune::sandbox
