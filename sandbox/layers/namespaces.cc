#include "sandbox/layers/namespaces.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "sandbox/base/files.h"

namespace rune::sandbox {
namespace {

constexpr int kAliveFd = 3;

int MountProc() { return ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0 ? 0 : errno; }

int StatusOf(pid_t child) {
  int status = 0;
  RetryOnEintr([&] { return ::waitpid(child, &status, 0); });
  return status;
}

/// Returns errno. Leaves the caller's view of /proc as it was: the try has mounts of its own.
int TryOwnPids() {
  if (::unshare(CLONE_NEWNS) != 0 || ::unshare(CLONE_NEWPID) != 0) return errno;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return errno;
  const pid_t first = ::fork();
  if (first < 0) return errno;
  if (first == 0) ::_exit(MountProc());
  const int status = StatusOf(first);
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

[[noreturn]] void StayBehind(pid_t first, int alive) {
  // The client must see its end of the conversation close when the other end of it is gone.
  ::dup2(alive, kAliveFd);
  if (::syscall(SYS_close_range, kAliveFd + 1, ~0U, 0) != 0) {
    for (int fd = kAliveFd + 1; fd < 4096; ++fd) ::close(fd);
  }
  const int status = StatusOf(first);
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

}  // namespace

std::string WhyNoOwnPids() {
  const pid_t child = ::fork();
  if (child < 0) return std::string("fork: ") + std::strerror(errno);
  if (child == 0) ::_exit(TryOwnPids());
  const int status = StatusOf(child);
  if (!WIFEXITED(status)) return "the attempt ended by a signal";
  return WEXITSTATUS(status) == 0 ? "" : std::string("own /proc: ") + std::strerror(WEXITSTATUS(status));
}

Result<UniqueFd> EnterOwnPids(void (*left)(void*), void* context) {
  RUNE_ASSIGN_OR_RETURN(Pipe alive, MakePipe());
  if (::unshare(CLONE_NEWPID) != 0) return Error::FromErrno("unshare process ids");
  const pid_t first = ::fork();
  if (first < 0) return Error::FromErrno("fork");
  if (first > 0) {
    left(context);
    StayBehind(first, alive.write.get());
  }
  if (const int err = MountProc()) return Error::FromErrno("mount /proc", err);
  return std::move(alive.read);
}

}  // namespace rune::sandbox
