/// Signals where nothing beneath holds them: to the command's own processes, and to nobody else.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/base/unique_fd.h"
#include "tests/unit/guard/guarded_run.h"

namespace rune::sandbox {
namespace {

/// A process of the same user that does not descend from this one: it notes SIGUSR1 by ending.
class Bystander {
 public:
  Bystander() {
    int ends[2];
    if (::pipe(ends) != 0) return;
    const pid_t between = ::fork();
    if (between == 0) {
      if (::fork() > 0) ::_exit(0);
      const pid_t pid = ::setsid();  // its own number: said once it leads its group
      [[maybe_unused]] const ssize_t written = ::write(ends[1], &pid, sizeof pid);
      for (;;) ::pause();
    }
    ::waitpid(between, nullptr, 0);
    [[maybe_unused]] const ssize_t got = ::read(ends[0], &pid_, sizeof pid_);
    ::close(ends[0]), ::close(ends[1]);
    handle_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  }
  ~Bystander() { ::kill(pid_, SIGKILL); }
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;
  pid_t pid() const { return pid_; }
  bool Lives() const {
    pollfd ended{handle_.get(), POLLIN, 0};
    return ::poll(&ended, 1, 0) == 0;
  }

 private:
  pid_t pid_ = 0;
  UniqueFd handle_;
};

class GuardedSignals : public testing::Test {
 protected:
  void SetUp() override {
    if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
    setup_.unheld.signals = true;
  }
  int Run(const std::function<int()>& act) const { return RunGuarded(setup_, act).status; }
  GuardedSetup setup_;
};

/// A child that waits for a signal; 0 when it ended by `number`.
int EndsBy(int number, const std::function<int(pid_t)>& send) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  if (const int err = send(child)) {
    ::kill(child, SIGKILL);
    return err;
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == number ? 0 : 250;
}

struct Way {
  const char* name;
  std::function<int(pid_t)> send;
};
const std::vector<Way>& Ways() {
  static const std::vector<Way> ways{
      {"kill", [](pid_t pid) { return Errno(::kill(pid, SIGTERM)); }},
      {"tkill", [](pid_t pid) { return Errno(::syscall(SYS_tkill, pid, SIGTERM)); }},
      {"tgkill", [](pid_t pid) { return Errno(::syscall(SYS_tgkill, pid, pid, SIGTERM)); }},
      {"sigqueue", [](pid_t pid) { return Errno(::sigqueue(pid, SIGTERM, {})); }},
      {"rt_tgsigqueueinfo",
       [](pid_t pid) {
         siginfo_t info{};
         info.si_code = SI_QUEUE;
         return Errno(::syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGTERM, &info));
       }},
      {"pidfd_send_signal",
       [](pid_t pid) {
         const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
         return Errno(::syscall(SYS_pidfd_send_signal, handle.get(), SIGTERM, nullptr, 0));
       }},
  };
  return ways;
}

TEST_F(GuardedSignals, ReachTheCommandsOwnChildrenByEveryWay) {
  for (const Way& way : Ways()) EXPECT_EQ(Run([&] { return EndsBy(SIGTERM, way.send); }), 0) << way.name;
}

TEST_F(GuardedSignals, ReachNobodyElseByAnyWay) {
  for (const Way& way : Ways()) {
    const Bystander free;
    EXPECT_EQ(RunBare([&] { return way.send(free.pid()); }), 0) << way.name << " without the guard";
    const Bystander bystander;
    const GuardedResult refused = RunGuarded(setup_, [&] { return way.send(bystander.pid()); });
    EXPECT_EQ(refused.status, EPERM) << way.name;
    EXPECT_TRUE(refused.Denied(DeniedAct::kSyscall, "")) << way.name;
    EXPECT_TRUE(bystander.Lives()) << way.name;
  }
}

TEST_F(GuardedSignals, ReachTheOwnProcessAsTheKernelSendsThem) {
  EXPECT_EQ(Run([] {
              static siginfo_t heard;
              struct sigaction action{};
              action.sa_flags = SA_SIGINFO;
              action.sa_sigaction = [](int, siginfo_t* info, void*) { heard = *info; };
              ::sigaction(SIGUSR1, &action, nullptr);
              ::raise(SIGUSR1);
              if (heard.si_code != SI_TKILL || heard.si_pid != ::getpid()) return 1;
              ::kill(::getpid(), SIGUSR1);
              if (heard.si_code != SI_USER || heard.si_pid != ::getpid()) return 2;
              return ::syscall(SYS_tkill, ::gettid(), SIGUSR1) == 0 && heard.si_code == SI_TKILL ? 0 : 3;
            }),
            0);
  EXPECT_EQ(Run([]() -> int { ::abort(); }), 1000 + SIGABRT);
}

TEST_F(GuardedSignals, ReachTheThreadThatIsMeant) {
  EXPECT_EQ(Run([] {
              struct sigaction action{};
              action.sa_handler = [](int) {};
              ::sigaction(SIGUSR1, &action, nullptr);
              static std::atomic<pid_t> waiting{0};
              static std::atomic<bool> woken{false};
              std::thread other([] {
                waiting = ::gettid();
                while (::poll(nullptr, 0, 5'000) == 0) continue;
                woken = true;
              });
              while (waiting == 0) ::sched_yield();
              while (!woken) {
                if (::syscall(SYS_tkill, waiting.load(), SIGUSR1) != 0 && errno != ESRCH) return errno;
                ::sched_yield();
              }
              other.join();
              return 0;
            }),
            0);
}

TEST_F(GuardedSignals, ReachGroupsOfTheirOwn) {
  EXPECT_EQ(Run([] {
              return EndsBy(SIGTERM, [](pid_t child) {
                ::setpgid(child, child);
                return Errno(::kill(-child, SIGTERM));
              });
            }),
            0);
  const Bystander bystander;
  EXPECT_EQ(Run([&] { return Errno(::kill(-bystander.pid(), SIGTERM)); }), EPERM);
  EXPECT_TRUE(bystander.Lives());
  EXPECT_EQ(Run([] { return Errno(::kill(-0x3ffffff, SIGTERM)); }), ESRCH);
  EXPECT_EQ(Run([] { return Errno(::kill(-1, SIGCONT)); }), EPERM);
  EXPECT_EQ(Run([] { return Errno(::kill(0, 0)); }), 0);
}

TEST_F(GuardedSignals, OfADescriptorGoToItsOwnProcessOnly) {
  const Bystander bystander;
  const auto own = [](pid_t who) {
    int ends[2];
    return ::pipe(ends) != 0 ? 250 : Errno(::fcntl(ends[0], F_SETOWN, who));
  };
  EXPECT_EQ(RunBare([&] { return own(bystander.pid()); }), 0);
  EXPECT_EQ(Run([&] { return own(bystander.pid()); }), EPERM);
  EXPECT_EQ(Run([&] { return own(-bystander.pid()); }), EPERM);
  EXPECT_EQ(Run([&] { return own(::getpid()); }), 0);
  EXPECT_EQ(Run([&] { return own(0); }), 0);
}

TEST_F(GuardedSignals, FailAsTheKernelSaysForWhoIsNotThere) {
  EXPECT_EQ(Run([] { return Errno(::kill(0x3ffffff, SIGTERM)); }), ESRCH);
  EXPECT_EQ(Run([] { return Errno(::syscall(SYS_tgkill, 0, 0, SIGTERM)); }), EINVAL);
  EXPECT_EQ(Run([] { return EndsBy(0, [](pid_t child) { return Errno(::kill(child, 99)); }); }), EINVAL);
  EXPECT_EQ(Run([] { return Errno(::syscall(SYS_pidfd_send_signal, 77, SIGTERM, nullptr, 0)); }), EBADF);
}

TEST_F(GuardedSignals, AreNoneOfItsBusinessWhereTheyAreHeldOtherwise) {
  setup_.unheld.signals = false;
  const Bystander bystander;
  EXPECT_EQ(Run([&] { return Errno(::kill(bystander.pid(), 0)); }), 0);
}

}  // namespace
}  // namespace rune::sandbox
