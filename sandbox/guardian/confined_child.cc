#include "sandbox/guardian/confined_child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/base/files.h"
#include "sandbox/protocol/descriptor_passing.h"

namespace rune::sandbox {
namespace {

constexpr int kExitSetup = 126;
constexpr std::size_t kStackBytes = 64 << 10;
constexpr int kFirstFreeFd = 3;

int ErrnoOf(long result) { return result < 0 ? errno : 0; }

/// Own session: no controlling terminal to inject into (TIOCSTI) and a group that can be signalled as one.
int EnterSession(const ChildPlan&) {
  if (const int err = ErrnoOf(::setsid())) return err;
  // Kept over execve(2): what the command orphans stays below it while it lives.
  return ErrnoOf(::prctl(PR_SET_CHILD_SUBREAPER, 1));
}

/// For kernels, or outer filters, without close_range(2).
void MarkCloseOnExecOneByOne() {
  for (int fd = kFirstFreeFd; fd < 4096; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int PlaceStdio(const ChildPlan& plan) {
  // Lifted first, so that no target is overwritten before it was copied.
  int lifted[3];
  for (int i = 0; i < 3; ++i) {
    lifted[i] = ::fcntl(plan.stdio[i], F_DUPFD_CLOEXEC, kFirstFreeFd);
    if (lifted[i] < 0) return errno;
  }
  for (int i = 0; i < 3; ++i) {
    if (::dup2(lifted[i], i) < 0) return errno;
  }
  if (::syscall(SYS_close_range, kFirstFreeFd, ~0U, CLOSE_RANGE_CLOEXEC) != 0) MarkCloseOnExecOneByOne();
  return 0;
}

int ApplyLimits(const ChildPlan& plan) {
  // The whole machine's or container's memory shortage should hit a tool before anything else. Best effort.
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    [[maybe_unused]] const ssize_t ignored = ::write(fd, "1000", 4);
    ::close(fd);
  }
  ::umask(022);
  return ApplyRlimits(plan.rlimits);
}

/// What the guardian ignores, a command must not: ignored signals stay so over execve(2).
void ResetSignals() {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  for (const int signal_number : kIgnoredByGuardian) ::sigaction(signal_number, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// The command dies with the guardian. Tied to its main thread, which is its only one.
int TieToGuardian(const ChildPlan& plan) {
  if (const int err = ErrnoOf(::prctl(PR_SET_PDEATHSIG, SIGKILL))) return err;
  return ::getppid() == plan.guardian ? 0 : ESRCH;  // it may have died before the line above
}

int EnterDirectory(const ChildPlan& plan) { return ErrnoOf(::chdir(plan.cwd)); }

int EnterLandlock(const ChildPlan& plan) {
  return plan.policy->landlock.fd.valid() ? InstallLandlock(plan.policy->landlock.fd.get()) : 0;
}

int CopyApproved(const ChildPlan& plan) {
  return plan.as_opened ? CopyProgram(plan.program.c_str(), plan.status->copy) : 0;
}

/// What was forgotten meets a network with nothing in it. The sockets that the guard injects belong to another.
int EnterEmptyNetwork(const ChildPlan& plan) {
  return plan.empty_network < 0 ? 0 : ErrnoOf(::setns(plan.empty_network, CLONE_NEWNET));
}

int EnterSeccomp(const ChildPlan& plan) {
  if (plan.listener_socket < 0) return plan.policy->unguarded.empty() ? 0 : InstallSeccomp(plan.policy->unguarded);
  // A guard must be able to read what an address argument points to; what execs is dumpable by then.
  if (plan.kind == Command::Kind::kProbe) ::prctl(PR_SET_DUMPABLE, 1);
  const int listener = InstallSeccompWithListener(plan.policy->guarded);
  if (listener < 0) return -listener;
  return SendDescriptor(plan.listener_socket, listener);  // sendmsg(2) without an address is nobody's business
}

extern "C" const char rune_command_exec_site[];

// A copy would define the site twice. Clang makes none of what it does not inline.
#if defined(__clang__)
#define RUNE_ONE_COPY __attribute__((noinline))
#else
#define RUNE_ONE_COPY __attribute__((noinline, noclone))
#endif

/// execve(2) at an address of its own. The guardian waits for this one call (CLONE_VFORK), so that it must not be asked
/// about it.
RUNE_ONE_COPY long ExecCommand(const char* path, char* const* argv, char* const* env) {
#if defined(__x86_64__)
  long result = SYS_execve;
  asm volatile(
      "syscall\n"
      ".globl rune_command_exec_site\n"
      ".hidden rune_command_exec_site\n"
      "rune_command_exec_site:\n"
      : "+a"(result)
      : "D"(path), "S"(argv), "d"(env)
      : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long number asm("x8") = SYS_execve;
  register long result asm("x0") = reinterpret_cast<long>(path);
  register char* const* second asm("x1") = argv;
  register char* const* third asm("x2") = env;
  asm volatile(
      "svc #0\n"
      ".globl rune_command_exec_site\n"
      ".hidden rune_command_exec_site\n"
      "rune_command_exec_site:\n"
      : "+r"(result)
      : "r"(number), "r"(second), "r"(third)
      : "memory");
  return result;
#else
#error "the system call convention of this architecture is not known"
#endif
}

/// An operation or a probe does not exec, so what close-on-exec would have closed is closed here.
[[noreturn]] void RunOperation(const ChildPlan& plan) {
  if (::syscall(SYS_close_range, kFirstFreeFd, ~0U, 0) != 0) {
    for (int fd = kFirstFreeFd; fd < 4096; ++fd) ::close(fd);
  }
  plan.status->stage = Stage::kRunning;
  if (plan.kind == Command::Kind::kBuiltin) ::_exit(RunFileOperation(plan.operation, plan.write_rules));
  TryProbes(*plan.probe, plan.outcomes->inside);
  ::_exit(WriteAll(1, WriteProbeLines(JudgeProbes(*plan.outcomes))).ok() ? 0 : 1);
}

}  // namespace

std::string_view StageName(Stage stage) {
  switch (stage) {
    case Stage::kStart:
      return "fork";
    case Stage::kSession:
      return "session";
    case Stage::kStdio:
      return "standard streams";
    case Stage::kLimits:
      return "limits";
    case Stage::kNetwork:
      return "empty network";
    case Stage::kIdentity:
      return "identity";
    case Stage::kTie:
      return "tie to the guardian";
    case Stage::kDirectory:
      return "working directory";
    case Stage::kLandlock:
      return "landlock";
    case Stage::kProgram:
      return "program";
    case Stage::kSeccomp:
      return "seccomp";
    case Stage::kExec:
      return "exec";
    case Stage::kRunning:
      return "running";
  }
  return "";
}

std::uint64_t CommandExecSite() { return reinterpret_cast<std::uint64_t>(rune_command_exec_site); }

pid_t StartChild(const ChildPlan& plan) {
  // What does not exec uses the heap, so it needs a copy of its own.
  if (plan.kind != Command::Kind::kExec) {
    const pid_t pid = ::fork();
    if (pid == 0) RunChild(plan);
    return pid;
  }
  // Everything else borrows our memory until it execs, and we wait: no page table is copied, no page faults afterwards.
  // The child has its own stack, because ours is still in use.
  alignas(16) static char stack[kStackBytes];
  const auto run = [](void* argument) -> int { RunChild(*static_cast<const ChildPlan*>(argument)); };
  return ::clone(run, stack + kStackBytes, CLONE_VM | CLONE_VFORK | SIGCHLD, const_cast<ChildPlan*>(&plan));
}

void RunChild(const ChildPlan& plan) {
  struct Step {
    Stage stage;
    int (*run)(const ChildPlan&);
  };
  static constexpr Step kSteps[] = {
      {Stage::kSession, EnterSession},
      {Stage::kStdio, PlaceStdio},
      // Before the identity: /proc/self/oom_score_adj belongs to who we still are.
      {Stage::kLimits, ApplyLimits},
      // Before the identity: it takes a capability.
      {Stage::kNetwork, EnterEmptyNetwork},
      // Sets no_new_privs, which the two filters below need.
      {Stage::kIdentity, [](const ChildPlan& p) { return ApplyIdentity(p.identity); }},
      // After the identity, whose change clears the setting (prctl(2)).
      {Stage::kTie, TieToGuardian},
      // After the identity: the command must be able to enter it by its own rights.
      {Stage::kDirectory, EnterDirectory},
      {Stage::kLandlock, EnterLandlock},
      // After Landlock, which says whether the file may be read; before the filter, which refuses such files.
      {Stage::kProgram, CopyApproved},
      // Innermost: it forbids some of what the steps above used.
      {Stage::kSeccomp, EnterSeccomp},
  };
  ResetSignals();
  for (const Step& step : kSteps) {
    plan.status->stage = step.stage;
    if (const int err = step.run(plan)) {
      plan.status->error = err;
      ::_exit(kExitSetup);
    }
  }
  plan.status->stage = Stage::kExec;
  if (plan.kind != Command::Kind::kExec) RunOperation(plan);
  const char* program = plan.as_opened ? plan.status->copy.path : plan.program.c_str();
  plan.status->error = static_cast<int>(-ExecCommand(program, plan.argv.data(), plan.env.data()));
  ::_exit(kExitSetup);
}

}  // namespace rune::sandbox
