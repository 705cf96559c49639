/// Tries to get out of a sandbox. Exit status 0 when the act worked, 1 when it was refused, 2 on wrong usage.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace {

/// A process that nobody who looks for children of `seconds` finds: own session, parent gone, deaf to polite signals.
void Hide(unsigned seconds) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    ::sleep(seconds);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

/// Orphans go to the nearest subreaper: this process refuses to be one, and leaves while they are alive.
bool LeaveOrphans(unsigned seconds) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  for (int i = 0; i < 8; ++i) Hide(seconds);
  return true;
}

/// Each process forks its successor and ends, so that a list of processes is old when it is read.
[[noreturn]] void RunAway() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  ::setsid();
  while (true) {
    if (::fork() > 0) ::_exit(0);
  }
}

bool StartRunaway() {
  if (::fork() == 0) RunAway();
  ::usleep(100'000);
  return true;
}

/// Orphans that stand still: they answer to nothing but SIGKILL.
bool LeaveStopped() {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::fork() != 0) ::_exit(0);
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  return true;
}

bool HoldsForeignDescriptor() {
  for (int fd = 3; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) return true;
  }
  return false;
}

bool Act(const std::string& what, const char* argument) {
  const auto number = [&] { return std::atoi(argument); };
  if (what == "signal") return ::kill(number(), SIGCONT) == 0;
  if (what == "trace") return ::ptrace(PTRACE_SEIZE, number(), nullptr, nullptr) == 0;
  if (what == "orphans") return LeaveOrphans(static_cast<unsigned>(number()));
  if (what == "runaway") return StartRunaway();
  if (what == "stopped") return LeaveStopped();
  if (what == "descriptor") return HoldsForeignDescriptor();
  if (what == "socket") return ::socket(AF_INET, SOCK_STREAM, 0) >= 0;
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return Act(argv[1], argc > 2 ? argv[2] : "0") ? 0 : 1;
}
