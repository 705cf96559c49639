#include "sandbox/layers/namespaces.h"

#include <fcntl.h>
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
constexpr int kKeptFd = 4;

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

[[noreturn]] void DoBehind(const StayBehind& behind, pid_t first, UniqueFd alive) {
  if (behind.leave) behind.leave();
  // The client must see its end of the conversation close when the other end of it is gone. Neither number may be
  // overwritten before it is read.
  const UniqueFd kept(::fcntl(behind.kept, F_DUPFD, kKeptFd + 1));
  const UniqueFd held(::fcntl(alive.get(), F_DUPFD, kKeptFd + 1));
  ::dup2(held.get(), kAliveFd);
  const bool serves = behind.serve && ::dup2(kept.get(), kKeptFd) == kKeptFd;
  const int first_closed = serves ? kKeptFd + 1 : kKeptFd;
  if (::syscall(SYS_close_range, first_closed, ~0U, 0) != 0) {
    for (int fd = first_closed; fd < 4096; ++fd) ::close(fd);
  }
  if (serves) behind.serve(kKeptFd);
  ::close(kKeptFd);
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

Result<UniqueFd> EnterOwnPids(const StayBehind& behind) {
  RUNE_ASSIGN_OR_RETURN(Pipe alive, MakePipe());
  if (::unshare(CLONE_NEWPID) != 0) return Error::FromErrno("unshare process ids");
  const pid_t first = ::fork();
  if (first < 0) return Error::FromErrno("fork");
  if (first > 0) DoBehind(behind, first, std::move(alive.write));
  if (const int err = MountProc()) return Error::FromErrno("mount /proc", err);
  return std::move(alive.read);
}

}  // namespace rune::sandbox
