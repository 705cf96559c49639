#include "sandbox/layers/no_exec.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>

#include "sandbox/base/paths.h"

namespace rune::sandbox {
namespace {

// sys/mount.h cannot be included beside linux/mount.h.
constexpr unsigned long kBindRecursive = 4096 | 16384;  // MS_BIND | MS_REC

bool IsDirectory(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool Close(const std::string& path) {
  if (::syscall(SYS_mount, path.c_str(), path.c_str(), nullptr, kBindRecursive, nullptr) != 0) return false;
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOEXEC;
  return ::syscall(SYS_mount_setattr, AT_FDCWD, path.c_str(), AT_RECURSIVE, &attributes, sizeof attributes) == 0;
}

}  // namespace

std::vector<std::string> MountNoExec(std::vector<std::string> paths) {
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> closed;
  for (const std::string& path : paths) {
    const bool skip = path == "/" || path == "/tmp" || IsBelow(path, "/dev") || IsBelow(path, "/proc");
    if (!skip && !IsBelowAny(path, closed) && IsDirectory(path) && Close(path)) closed.push_back(path);
  }
  return closed;
}

}  // namespace rune::sandbox
