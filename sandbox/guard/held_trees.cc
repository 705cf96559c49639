#include "sandbox/guard/held_trees.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sandbox/base/paths.h"
#include "sandbox/guard/file_user.h"

namespace rune::sandbox {
namespace {

bool IsDevice(const struct stat& info) { return S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode); }
bool IsSame(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

/// The directory that the file is in; invalid when that cannot be told. One without a name any more was where its last
/// one was.
UniqueFd DirectoryOf(int fd, const struct stat& info) {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  if (S_ISDIR(info.st_mode)) return UniqueFd(::openat(fd, "..", kFlags));
  const std::string path = PathOf(fd);
  if (!path.starts_with('/')) return {};
  UniqueFd directory(::open(ParentOf(path).c_str(), kFlags));
  if (!directory.valid() || info.st_nlink == 0) return directory;
  // The path may have come to lead elsewhere since.
  struct stat named{};
  const std::string name(FileName(path));
  const bool there = ::fstatat(directory.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0;
  return there && IsSame(named, info) ? std::move(directory) : UniqueFd();
}

/// A real path; nothing when a link has come into it. Without openat2(2) there is no guard to ask either.
void Hold(const std::string& path, std::vector<UniqueFd>& roots) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  UniqueFd place(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  struct stat info{};
  if (!place.valid() || ::fstat(place.get(), &info) != 0 || IsDevice(info)) return;
  roots.push_back(std::move(place));
}

/// Asked anew each time: an overlay may give a file another number when it is first written.
bool IsOneOf(const std::vector<UniqueFd>& roots, const struct stat& info) {
  return std::any_of(roots.begin(), roots.end(), [&](const UniqueFd& root) {
    struct stat now{};
    return ::fstat(root.get(), &now) == 0 && IsSame(now, info);
  });
}

}  // namespace

HeldTrees::HeldTrees(const FileAccess& files) {
  for (const std::string& path : files.write) {
    if (!IsBelowAny(path, files.denied)) Hold(path, writable_);
  }
  for (const std::string& path : files.denied) {
    if (IsBelowAny(path, files.write)) Hold(path, denied_);
  }
}

bool HeldTrees::Contains(int fd) const {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return false;
  UniqueFd directory;
  for (;;) {
    if (IsOneOf(denied_, info)) return false;
    if (IsOneOf(writable_, info)) return true;  // nothing above it is denied: those are not held
    directory = DirectoryOf(directory.valid() ? directory.get() : fd, info);
    const struct stat below = info;
    if (!directory.valid() || ::fstat(directory.get(), &info) != 0) return false;
    if (IsSame(info, below)) return false;  // the root is its own parent
  }
}

}  // namespace rune::sandbox
