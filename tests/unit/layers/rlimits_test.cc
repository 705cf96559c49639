#include "sandbox/layers/rlimits.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <thread>

#include "sandbox/base/files.h"
#include "tests/unit/layers/in_child.h"

namespace rune::sandbox {
namespace {

int WriteBeyond(std::uint64_t bytes) {
  ::signal(SIGXFSZ, SIG_IGN);
  const int fd = ::open("/tmp", O_TMPFILE | O_WRONLY, 0600);
  if (fd < 0) return errno;
  return ErrnoOf(::pwrite(fd, "x", 1, static_cast<off_t>(bytes)));
}

TEST(Rlimits, StopFilesAboveTheirSize) {
  constexpr std::uint64_t kBytes = 1 << 20;
  EXPECT_EQ(InChild([] { return WriteBeyond(kBytes); }), 0);
  const RlimitPlan plan{.command = {.file_bytes = kBytes}};
  EXPECT_EQ(InChild([&] { return ApplyRlimits(plan) + WriteBeyond(kBytes); }), EFBIG);
}

TEST(Rlimits, StopDescriptorsAboveTheirNumber) {
  const auto open_many = [] {
    for (int i = 0; i < 64; ++i) {
      if (::open("/dev/null", O_RDONLY) < 0) return errno;
    }
    return 0;
  };
  EXPECT_EQ(InChild(open_many), 0);
  const RlimitPlan plan{.command = {.open_files = 16}};
  EXPECT_EQ(InChild([&] { return ApplyRlimits(plan) + open_many(); }), EMFILE);
}

TEST(Rlimits, StopMemoryOfOneProcess) {
  const auto allocate = [] {
    return ::mmap(nullptr, 256 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno
                                                                                                                : 0;
  };
  EXPECT_EQ(InChild(allocate), 0);
  const RlimitPlan plan{.data_bytes = 128 << 20};
  EXPECT_EQ(InChild([&] { return ApplyRlimits(plan) + allocate(); }), ENOMEM);
}

TEST(Rlimits, NeverRaiseALimit) {
  const RlimitPlan plan{.command = {.open_files = 1000}};
  EXPECT_EQ(InChild([&] {
              const rlimit low{8, 16};
              if (::setrlimit(RLIMIT_NOFILE, &low) != 0 || ApplyRlimits(plan) != 0) return 1;
              rlimit now{};
              return ::getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 8 && now.rlim_max == 16 ? 0 : 2;
            }),
            0);
}

TEST(Rlimits, ForbidCoreFilesAndMessageQueuesAndBoundTheStack) {
  EXPECT_EQ(InChild([] {
              if (ApplyRlimits({}) != 0) return 1;
              rlimit core{}, queues{}, stack{}, locked{}, cpu{};
              ::getrlimit(RLIMIT_CORE, &core);
              ::getrlimit(RLIMIT_MSGQUEUE, &queues);
              ::getrlimit(RLIMIT_STACK, &stack);
              ::getrlimit(RLIMIT_MEMLOCK, &locked);
              ::getrlimit(RLIMIT_CPU, &cpu);
              if (core.rlim_max != 0 || queues.rlim_max != 0) return 2;
              return stack.rlim_max <= 64u << 20 && locked.rlim_max <= 64u << 10 && cpu.rlim_max == RLIM_INFINITY ? 0
                                                                                                                  : 3;
            }),
            0);
}

TEST(Rlimits, GiveAProcessTimeToHandleTheCpuLimit) {
  const RlimitPlan plan{.command = {.cpu_seconds = 5}};
  EXPECT_EQ(InChild([&] {
              rlimit cpu{};
              if (ApplyRlimits(plan) != 0 || ::getrlimit(RLIMIT_CPU, &cpu) != 0) return 1;
              return cpu.rlim_cur == 5 && cpu.rlim_max > cpu.rlim_cur ? 0 : 2;
            }),
            0);
}

TEST(Rlimits, StopForksOfAnOrdinaryUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become a user that has no other process";
  // The children wait in a process group of their own, which ends with the test.
  const auto fork_twice = [](std::uint64_t processes) {
    if (ApplyRlimits({.processes = processes}) != 0 || ::setresuid(62999, 62999, 62999) != 0) return 200;
    for (int i = 0; i < 2; ++i) {
      const pid_t child = ::fork();
      if (child < 0) return errno;
      if (child == 0) {
        ::pause();
        ::_exit(0);
      }
    }
    return 0;
  };
  const auto in_group = [&](std::uint64_t processes) {
    return InChild([&] {
      ::setpgid(0, 0);
      const int result = InChild([&] { return fork_twice(processes); });
      ::signal(SIGTERM, SIG_IGN);
      ::kill(0, SIGTERM);
      return result;
    });
  };
  EXPECT_EQ(in_group(100), 0);
  EXPECT_EQ(in_group(2), EAGAIN);
}

TEST(Rlimits, CountThreadsByUid) {
  const std::uint64_t before = CountThreadsOf(::getuid());
  EXPECT_GE(before, 1u);
  Pipe gate = std::move(MakePipe()).value();
  std::thread thread([&] {
    char byte;
    EXPECT_EQ(::read(gate.read.get(), &byte, 1), 0);
  });
  const auto own = ReadFile("/proc/self/status");
  ASSERT_TRUE(own.ok());
  EXPECT_NE(own->find("Threads:\t2"), std::string::npos);
  EXPECT_GE(CountThreadsOf(::getuid()), 2u);
  gate.write.Reset();
  thread.join();
  EXPECT_EQ(CountThreadsOf(4'000'000'000u), 0u);
}

}  // namespace
}  // namespace rune::sandbox
