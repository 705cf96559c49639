#include "sandbox/guard/held_trees.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "sandbox/base/paths.h"
#include "sandbox/guard/file_user.h"

namespace rune::sandbox {
namespace {

/// Somebody who moves a tree this often while we look gets a refusal.
constexpr int kLooks = 4;

/// Opens a real path; invalid when a link has come into it. Without openat2(2) there is no guard to ask either.
UniqueFd Hold(const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
}

bool IsDevice(const UniqueFd& place) {
  struct stat info{};
  return ::fstat(place.get(), &info) != 0 || S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode);
}

std::vector<std::string> PathsOf(const std::vector<UniqueFd>& places) {
  std::vector<std::string> paths;
  for (const UniqueFd& place : places) {
    if (std::string path = PathOf(place.get()); path.starts_with('/')) paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace

HeldTrees::HeldTrees(const FileAccess& files) {
  for (const std::string& path : files.write) {
    if (IsBelowAny(path, files.denied)) continue;
    UniqueFd place = Hold(path);
    if (place.valid() && !IsDevice(place)) writable_.push_back(std::move(place));
  }
  for (const std::string& path : files.denied) {
    if (!IsBelowAny(path, files.write)) continue;
    if (UniqueFd place = Hold(path); place.valid()) denied_.push_back(std::move(place));
  }
}

bool HeldTrees::Contains(int fd) const {
  std::vector<std::string> writable = PathsOf(writable_);
  std::vector<std::string> denied = PathsOf(denied_);
  for (int look = 0; look < kLooks; ++look) {
    const std::string path = PathOf(fd);
    // Nothing was moved between the looks at the trees and at the file: all three are true of one moment.
    std::vector<std::string> again = PathsOf(writable_);
    std::vector<std::string> denied_again = PathsOf(denied_);
    if (writable == again && denied == denied_again) return IsBelowAny(path, writable) && !IsBelowAny(path, denied);
    writable = std::move(again);
    denied = std::move(denied_again);
  }
  return false;
}

}  // namespace rune::sandbox
