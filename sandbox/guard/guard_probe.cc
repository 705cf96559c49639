/// WhyNoGuard(): what the guard needs, tried out on a child.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/guard/guard.h"
#include "sandbox/guard/notifications.h"
#include "sandbox/guard/tracee.h"
#include "sandbox/layers/seccomp.h"

namespace rune::sandbox {
namespace {

constexpr int kPatienceMs = 2000;
constexpr std::uint64_t kMarker = 0x72756e652d677561;

const BpfProgram& AskAboutSocket() {
  static const BpfProgram program{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
                                  {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_socket},
                                  {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF},
                                  {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  return program;
}

/// The child shares our descriptors, so that its listener is ours without being passed. Says its number, or -errno.
[[noreturn]] void RunChild(int tell) {
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  int listener = -EACCES;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) listener = InstallSeccompWithListener(AskAboutSocket());
  if (::write(tell, &listener, sizeof listener) != sizeof listener || listener < 0) ::_exit(1);
  volatile std::uint64_t marker = kMarker;
  const long fd = ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0, &marker);
  const bool works = fd >= 0 && ::fcntl(static_cast<int>(fd), F_GETFD) >= 0;
  if (fd >= 0) ::close(static_cast<int>(fd));
  ::_exit(works ? 0 : 1);
}

bool WaitFor(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return RetryOnEintr([&] { return ::poll(&ready, 1, kPatienceMs); }) == 1 && (ready.revents & POLLIN) != 0;
}

std::string ListenerError(int error) {
  switch (error) {
    case EBUSY:
      return "another program already listens to this container's system calls (EBUSY)";
    case EINVAL:
    case ENOSYS:
      return "the kernel offers no seccomp notifications";
    default:
      return std::string("a seccomp listener is refused: ") + std::strerror(error);
  }
}

/// The parent's side.
std::string Try(int told, int gift) {
  int number = -1;
  if (!WaitFor(told) || ::read(told, &number, sizeof number) != sizeof number) return "the probe did not answer";
  if (number < 0) return ListenerError(-number);
  Notifications calls;
  calls.Open(UniqueFd(number));
  if (!WaitFor(number)) return "the seccomp listener hears nothing";
  const auto call = calls.Receive();
  if (!call) return std::string("no system call can be received: ") + std::strerror(errno);
  Tracee child(call->tid);
  std::uint64_t marker = 0;
  if (child.Read(call->arguments[3], {reinterpret_cast<char*>(&marker), sizeof marker}) != 0 || marker != kMarker) {
    return "the memory of a child cannot be read (/proc, Yama ptrace_scope)";
  }
  if (child.Link("fd/" + std::to_string(gift)).empty()) return "the descriptors of a child cannot be seen (/proc)";
  if (const int err = calls.Inject(call->id, gift, 0)) {
    return std::string("a descriptor cannot be given to a child: ") + std::strerror(err);
  }
  return "";
}

}  // namespace

std::string WhyNoGuard() {
  auto pipe = MakePipe();
  if (!pipe.ok()) return pipe.error().message;
  // Flushed by nobody twice: the child leaves by _exit(2).
  const long child = ::syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) {
    // It waits for an answer to a call of its own, and holds the listener itself: nothing else would end it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    RunChild(pipe->write.get());
  }
  if (child < 0) return std::string("fork: ") + std::strerror(errno);
  std::string why = Try(pipe->read.get(), pipe->read.get());
  const auto pid = static_cast<pid_t>(child);
  if (!why.empty()) ::kill(pid, SIGKILL);
  int status = 0;
  RetryOnEintr([&] { return ::waitpid(pid, &status, 0); });
  if (why.empty() && status != 0) why = "a descriptor given to a child does not arrive";
  return why;
}

}  // namespace rune::sandbox
