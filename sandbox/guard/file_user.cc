#include "sandbox/guard/file_user.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace rune::sandbox {

CommandIds::CommandIds(uid_t user, gid_t group)
    : user_(::geteuid()),
      group_(::getegid()),
      files_group_(static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1)))),
      changed_(user_ != user) {
  if (!changed_) return;
  // Half of it is told truly all the same: a call that fails changes nothing.
  [[maybe_unused]] int ignored = ::setresgid(static_cast<gid_t>(-1), group, static_cast<gid_t>(-1));
  ignored = ::setresuid(static_cast<uid_t>(-1), user, static_cast<uid_t>(-1));
}

CommandIds::~CommandIds() {
  if (!changed_) return;
  [[maybe_unused]] int ignored = ::setresuid(static_cast<uid_t>(-1), user_, static_cast<uid_t>(-1));
  ignored = ::setresgid(static_cast<gid_t>(-1), group_, static_cast<gid_t>(-1));
  ::setfsgid(files_group_);
}

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

}  // namespace rune::sandbox
