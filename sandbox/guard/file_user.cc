#include "sandbox/guard/file_user.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "sandbox/base/paths.h"

namespace rune::sandbox {

UniqueFd OpenPlaceAs(uid_t user, int directory, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_NO_MAGICLINKS;
  const FileUser as(user);
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

std::string LinkTo(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

std::string PathOf(int fd) {
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlink(LinkTo(fd).c_str(), target.data(), target.size());
  return size < 0 ? "" : std::string(target.data(), static_cast<std::size_t>(size));
}

bool MayWrite(const FileAccess& files, const std::string& path) {
  return IsBelowAny(path, files.write) && !IsBelowAny(path, files.denied);
}

}  // namespace rune::sandbox
