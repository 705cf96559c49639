#include "sandbox/guardian/cpu_account.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {
namespace {

using namespace std::chrono_literals;

void Spend(std::chrono::milliseconds time) {
  const clock_t end = ::clock() + static_cast<clock_t>(time.count()) * CLOCKS_PER_SEC / 1000;
  while (::clock() < end) continue;
}

/// A root whose child spends processor time and then waits to be let go.
class CpuAccountTest : public testing::Test {
 protected:
  pid_t Start(sighandler_t of_children) {
    ready_ = std::move(MakePipe()).value();
    gate_ = std::move(MakePipe()).value();
    done_ = std::move(MakePipe()).value();
    const pid_t root = ::fork();
    if (root != 0) return root;
    gate_.write.Reset();
    ::signal(SIGCHLD, of_children);
    if (::fork() == 0) {
      done_.read.Reset();
      Spend(300ms);
      Tell(ready_);
      Hear(gate_);
      ::_exit(0);
    }
    ::wait(nullptr);  // for one that is ignored too, ECHILD in the end
    Tell(done_);
    while (true) ::pause();
  }
  static void Tell(const Pipe& pipe) { [[maybe_unused]] const auto n = ::write(pipe.write.get(), "x", 1); }
  static void Hear(const Pipe& pipe) {
    char byte;
    [[maybe_unused]] const auto n = ::read(pipe.read.get(), &byte, 1);
  }
  std::chrono::microseconds EndOf(CpuAccount& account, pid_t root) {
    account.Add(root);
    Hear(ready_);
    account.Look(ListProcesses());
    EXPECT_GE(account.Of(root), 270ms);
    gate_.write.Reset();
    Hear(done_);
    account.Look(ListProcesses());
    account.Look(ListProcesses());
    EXPECT_GE(account.Of(root), 270ms);
    EXPECT_LE(account.Of(root), 600ms) << "nothing is counted twice";
    ::kill(root, SIGKILL);
    int status = 0;
    rusage usage{};
    ::wait4(root, &status, 0, &usage);
    return account.End(root, usage);
  }
  Pipe ready_;
  Pipe gate_;
  Pipe done_;
};

TEST_F(CpuAccountTest, ATimeThatWasWaitedForCountsOnce) {
  CpuAccount account(nullptr);
  const auto total = EndOf(account, Start(SIG_DFL));
  EXPECT_GE(total, 290ms);
  EXPECT_LE(total, 600ms);
}

TEST_F(CpuAccountTest, ATimeThatNobodyWaitedForCountsAsItWasLastSeen) {
  CpuAccount account(nullptr);
  const auto total = EndOf(account, Start(SIG_IGN));
  EXPECT_GE(total, 270ms);
  EXPECT_LE(total, 600ms);
}

TEST_F(CpuAccountTest, AnOrphanBelongsToTheTreeThatIsNamed) {
  CpuAccount account(nullptr);
  account.Add(1);
  rusage usage{};
  usage.ru_utime.tv_sec = 2;
  account.AddOrphan(1, usage);
  account.AddOrphan(7, usage);
  EXPECT_EQ(account.End(1, usage), 4s);
  EXPECT_EQ(account.End(7, usage), 2s) << "what was never added is what it says itself";
}

}  // namespace
}  // namespace rune::sandbox
