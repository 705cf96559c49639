/// Trees of real children: each root is forked here, as the guardian would.
#include "sandbox/guardian/process_trees.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "sandbox/base/files.h"
#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void Pause() {
  while (true) ::pause();
}

[[noreturn]] void Burn() {
  while (true) asm volatile("");
}

/// Resident memory that is nobody else's.
[[noreturn]] void Hold(std::size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memset(memory, 1, bytes);
  Pause();
}

class TreesTest : public testing::Test {
 protected:
  TreesTest() {
    ::prctl(PR_GET_CHILD_SUBREAPER, &was_subreaper_);
    ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
    auto pipe = MakePipe();
    EXPECT_TRUE(pipe.ok());
    if (pipe.ok()) said_ = std::move(pipe).value();
  }
  ~TreesTest() override {
    trees_->KillAll(Clock::now() + 5s);
    trees_.reset();
    ::prctl(PR_SET_CHILD_SUBREAPER, was_subreaper_);
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  }
  void Watch(const RunLimits& limits) {
    trees_.emplace(loop_, limits, nullptr, SystemV::kOfTheMachine,
                   [this](pid_t root, const EndedTree& tree) { ended_[root] = tree; });
  }
  void SetUp() override { Watch({.memory_bytes = 0, .pids = 0}); }

  template <typename F>
  pid_t Start(F body, TreeOptions options = {}) {
    if (options.started == TimePoint()) options.started = Clock::now();
    const pid_t root = ::fork();
    if (root == 0) {
      ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // as every confined command is
      body();
      ::_exit(0);
    }
    trees_->Add(root, options);
    return root;
  }
  /// In a child: a process id for the test to hear.
  void Say(pid_t pid) const { [[maybe_unused]] const auto n = ::write(said_.write.get(), &pid, sizeof pid); }
  pid_t Hear() const {
    pid_t pid = -1;
    EXPECT_EQ(::read(said_.read.get(), &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
    return pid;
  }
  EndedTree Await(pid_t root) {
    loop_.RunUntil([&] { return ended_.contains(root); }, Clock::now() + 20s);
    EXPECT_TRUE(ended_.contains(root));
    return ended_[root];
  }
  void RunFor(Milliseconds time) {
    loop_.RunUntil([] { return false; }, Clock::now() + time);
  }
  static bool Exists(pid_t pid) { return ::kill(pid, 0) == 0; }

  EventLoop loop_;
  std::optional<Trees> trees_;
  std::map<pid_t, EndedTree> ended_;
  Pipe said_;
  int was_subreaper_ = 0;
  sigset_t mask_{};
};

TEST_F(TreesTest, TellsHowARootEnded) {
  const EndedTree exited = Await(Start([] { ::_exit(3); }));
  EXPECT_TRUE(WIFEXITED(exited.status));
  EXPECT_EQ(WEXITSTATUS(exited.status), 3);
  EXPECT_EQ(exited.limit, LimitHit::kNone);
  EXPECT_FALSE(exited.cancelled);
  EXPECT_EQ(exited.leftovers, 0U);
  EXPECT_GT(exited.wall, 0s);
  EXPECT_GT(exited.usage.ru_maxrss, 0);
  const EndedTree killed = Await(Start([] { ::raise(SIGUSR1); }));
  EXPECT_TRUE(WIFSIGNALED(killed.status));
  EXPECT_EQ(WTERMSIG(killed.status), SIGUSR1);
}

TEST_F(TreesTest, ADaemonThatForkedTwiceIsSweptWhenItsRootEnds) {
  auto end = MakePipe();
  ASSERT_TRUE(end.ok());
  const pid_t root = Start([&] {
    if (::fork() == 0) {
      ::setsid();
      if (::fork() == 0) {
        Say(::getpid());
        Pause();
      }
      ::_exit(0);
    }
    ::wait(nullptr);
    char byte = 0;
    [[maybe_unused]] const auto n = ::read(end->read.get(), &byte, 1);
  });
  const pid_t daemon = Hear();
  RunFor(20ms);
  EXPECT_TRUE(Exists(daemon)) << "its root adopted it, so it may live as long as that";
  ASSERT_EQ(::write(end->write.get(), "x", 1), 1);
  const EndedTree tree = Await(root);
  EXPECT_EQ(tree.leftovers, 1U);
  EXPECT_FALSE(Exists(daemon));
}

TEST_F(TreesTest, AKillReachesTheWholeTree) {
  const pid_t root = Start([&] {
    if (::fork() == 0) {
      if (::fork() == 0) Say(::getpid()), Pause();
      ::setsid();
      Pause();
    }
    Pause();
  });
  const pid_t deepest = Hear();
  trees_->Kill(root, LimitHit::kNone);
  EXPECT_TRUE(Await(root).cancelled);
  EXPECT_FALSE(Exists(deepest));
}

TEST_F(TreesTest, GraceLetsARootEndByItself) {
  const pid_t root = Start([&] {
    ::signal(SIGTERM, [](int) { ::_exit(7); });
    Say(::getpid());
    Pause();
  });
  Hear();
  const TimePoint asked = Clock::now();
  trees_->Kill(root, LimitHit::kNone, 10s);
  const EndedTree tree = Await(root);
  EXPECT_TRUE(tree.cancelled);
  EXPECT_TRUE(WIFEXITED(tree.status));
  EXPECT_EQ(WEXITSTATUS(tree.status), 7);
  EXPECT_LT(Clock::now() - asked, 5s);
}

TEST_F(TreesTest, GraceEnds) {
  const pid_t root = Start([&] {
    ::signal(SIGTERM, SIG_IGN);
    Say(::getpid());
    Pause();
  });
  Hear();
  trees_->Kill(root, LimitHit::kOutput, 30ms);
  RunFor(10ms);
  EXPECT_TRUE(Exists(root));
  const EndedTree tree = Await(root);
  EXPECT_EQ(WTERMSIG(tree.status), SIGKILL);
  EXPECT_EQ(tree.limit, LimitHit::kOutput);
  EXPECT_FALSE(tree.cancelled);
}

TEST_F(TreesTest, TheWallClockEndsATreeAndNoneDoesNot) {
  const TimePoint long_ago = Clock::now() - 1h;
  const pid_t timeless = Start([] { Pause(); }, {.started = long_ago});
  const EndedTree late = Await(Start([] { Pause(); }, {.started = long_ago, .wall = 30min}));
  EXPECT_EQ(late.limit, LimitHit::kWall);
  EXPECT_EQ(WTERMSIG(late.status), SIGKILL);
  EXPECT_TRUE(Exists(timeless));
  EXPECT_FALSE(ended_.contains(timeless));
}

TEST_F(TreesTest, ProcessorTimeIsThatOfTheWholeTree) {
  const auto two = [] {
    if (::fork() == 0) Burn();
    Burn();
  };
  const pid_t free = Start(two);
  const EndedTree tree = Await(Start(two, {.cpu_seconds = 1}));
  EXPECT_EQ(tree.limit, LimitHit::kCpu);
  EXPECT_FALSE(ended_.contains(free));
}

TEST_F(TreesTest, WithoutAGroupTheLargestTreePaysForTooMuchMemory) {
  constexpr std::size_t kMiB = 1 << 20;
  // What a child of this program holds by itself, which under a sanitizer is many MiB: measured, with one of each size.
  const pid_t small = Start([] { Hold(8 * kMiB); });
  RunFor(120ms);
  const std::uint64_t with_small = UsageOfTree(ListProcesses(), ::getpid()).memory_bytes;
  const std::uint64_t of_small = UsageOfTree(ListProcesses(), small).memory_bytes;
  trees_->Kill(small, LimitHit::kNone);
  Await(small);
  trees_.reset();
  Watch({.memory_bytes = with_small + of_small + 48 * kMiB, .pids = 0});
  const pid_t spared = Start([] { Hold(8 * kMiB); });
  RunFor(120ms);
  EXPECT_FALSE(ended_.contains(spared));
  EXPECT_EQ(Await(Start([] { Hold(96 * kMiB); })).limit, LimitHit::kMemory);
  EXPECT_FALSE(ended_.contains(spared));
}

TEST_F(TreesTest, TheDiskIsTheRunsAndWhateverRunsPays) {
  auto dir = TempDir::Create("/var/tmp", "trees-disk-");
  ASSERT_TRUE(dir.ok());
  const std::string file = dir->path() + "/large";
  trees_.reset();
  Watch({.memory_bytes = 0, .pids = 0, .disk_bytes = 4 << 20});
  trees_->WatchDisk({dir->path()});
  EXPECT_EQ(Await(Start([] { ::_exit(0); })).limit, LimitHit::kNone);
  const pid_t large = Start([&] {
    const UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ::posix_fallocate(fd.get(), 0, 16 << 20);
    Pause();
  });
  EXPECT_EQ(Await(large).limit, LimitHit::kDisk);
}

TEST_F(TreesTest, WithoutAGroupTheLargestTreePaysForTooManyProcesses) {
  trees_.reset();
  Watch({.memory_bytes = 0, .pids = 4});
  const pid_t small = Start([] { Pause(); });
  RunFor(120ms);
  EXPECT_TRUE(ended_.empty());
  const pid_t large = Start([] {
    for (int i = 0; i < 5; ++i) {
      if (::fork() == 0) Pause();
    }
    Pause();
  });
  EXPECT_EQ(Await(large).limit, LimitHit::kPids);
  EXPECT_FALSE(ended_.contains(small));
}

TEST_F(TreesTest, WhatRunsIntoLimitsOnPurposeIsNotTold) {
  EXPECT_EQ(Await(Start([] { ::raise(SIGXFSZ); })).limit, LimitHit::kFileSize);
  EXPECT_EQ(Await(Start([] { ::raise(SIGXFSZ); }, {.tries_limits = true})).limit, LimitHit::kNone);
}

TEST_F(TreesTest, KillAllLeavesNothing) {
  for (int i = 0; i < 3; ++i) {
    Start([&] {
      ::signal(SIGTERM, SIG_IGN);
      if (::fork() == 0) Pause();
      Say(::getpid());
      Pause();
    });
    Hear();
  }
  trees_->KillAll(Clock::now() + 5s);
  EXPECT_EQ(ended_.size(), 3U);
  EXPECT_TRUE(ChildrenOfSelf().empty());
}

}  // namespace
}  // namespace rune::sandbox
