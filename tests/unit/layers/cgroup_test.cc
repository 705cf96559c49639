#include "sandbox/layers/cgroup.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <ctime>
#include <fstream>
#include <sstream>

#include "sandbox/base/files.h"
#include "tests/unit/layers/in_child.h"

namespace rune::sandbox {
namespace {

std::string OwnGroups() {
  auto text = ReadFile("/proc/self/cgroup");
  return text.ok() ? *text : "";
}

/// Forks until it fails or `most` children stand, then lets them go.
int CountForks(int most) {
  int made = 0;
  Pipe gate = std::move(MakePipe()).value();
  for (; made < most; ++made) {
    const pid_t child = ::fork();
    if (child < 0) break;
    if (child == 0) {
      gate.write.Reset();
      char byte;
      ::_exit(::read(gate.read.get(), &byte, 1) == 0 ? 0 : 1);
    }
  }
  gate.write.Reset();
  while (::wait(nullptr) > 0) continue;
  return made;
}

/// Touches `bytes` of memory.
int Allocate(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return ENOMEM;
  for (std::size_t i = 0; i < bytes; i += 4096) static_cast<volatile char*>(memory)[i] = 1;
  return 0;
}

int MakeVictim() {
  std::ofstream("/proc/self/oom_score_adj") << "1000";
  return 0;
}

class Cgroup : public testing::Test {
 protected:
  void SetUp() override {
    const int can = InChild([] { return RunCgroup::Join({.memory_bytes = 64 << 20, .pids = 8}).ok() ? 0 : 1; });
    if (can == 0) return;
    const auto group = RunCgroup::Join({});
    GTEST_SKIP() << "no control group can be had here: " << (group.ok() ? "" : group.error().message);
  }
};

TEST_F(Cgroup, StopsForksAboveTheLimitAndCountsTheRefusals) {
  constexpr int kMany = 40;
  EXPECT_EQ(InChild([] { return CountForks(kMany); }), kMany);
  EXPECT_EQ(InChild([] {
              const auto group = RunCgroup::Join({.memory_bytes = 0, .pids = 10});
              if (!group.ok() || !group->has_pids() || group->pids_refusals() != 0) return 200;
              const int made = CountForks(kMany);
              return group->pids_refusals() > 0 ? made : 201;
            }),
            10);
}

TEST_F(Cgroup, KillsTheCommandAboveTheMemoryLimitAndSparesTheGuardian) {
  constexpr std::size_t kMuch = 128 << 20;
  EXPECT_EQ(InChild([] { return Allocate(kMuch); }), 0);
  EXPECT_EQ(InChild([] {
              const auto group = RunCgroup::Join({.memory_bytes = 48 << 20, .pids = 0});
              if (!group.ok() || !group->has_memory() || group->oom_kills() != 0) return 200;
              const int ended = InChild([] { return MakeVictim() + Allocate(kMuch); });
              if (ended != 1000 + SIGKILL) return 201;
              return group->oom_kills() > 0 ? 0 : 202;
            }),
            0);
}

TEST_F(Cgroup, LeavesNothingBehind) {
  EXPECT_EQ(InChild([] {
              const std::string before = OwnGroups();
              {
                const auto group = RunCgroup::Join({.memory_bytes = 64 << 20, .pids = 8});
                if (!group.ok() || OwnGroups() == before) return 1;
                if (OwnGroups().find("/rune-" + std::to_string(::getpid())) == std::string::npos) return 2;
                if (InChild([] { return 0; }) != 0) return 3;
              }
              return OwnGroups() == before ? 0 : 4;
            }),
            0);
}

TEST_F(Cgroup, RemovesTheGroupOfAGuardianThatWasKilled) {
  // The killed one cannot tidy up, so the next one does.
  std::string groups;
  Pipe pipe = std::move(MakePipe()).value();
  EXPECT_EQ(InChild([&] {
              auto group = RunCgroup::Join({.memory_bytes = 64 << 20, .pids = 8});
              if (!WriteAll(pipe.write.get(), OwnGroups()).ok()) return 1;
              ::kill(::getpid(), SIGKILL);
              return 2;
            }),
            1000 + SIGKILL);
  pipe.write.Reset();
  groups = std::move(ReadAll(pipe.read.get(), 64 << 10)).value();
  const std::size_t at = groups.find("/rune-");
  ASSERT_NE(at, std::string::npos);
  const std::string name = groups.substr(at + 1, groups.find('\n', at) - at - 1);
  ASSERT_EQ(InChild([] { return RunCgroup::Join({.memory_bytes = 64 << 20, .pids = 8}).ok() ? 0 : 1; }), 0);

  std::istringstream lines(std::move(ReadFile("/proc/self/mountinfo")).value());
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" - cgroup") == std::string::npos) continue;
    std::istringstream words(line);
    std::string word;
    for (int i = 0; i < 5; ++i) words >> word;
    EXPECT_FALSE(Exists(word + "/" + name)) << word;
  }
}

TEST_F(Cgroup, KillsWhatAKilledGuardianLeftInIts) {
  Pipe pipe = std::move(MakePipe()).value();
  EXPECT_EQ(InChild([&] {
              auto group = RunCgroup::Join({.memory_bytes = 64 << 20, .pids = 8});
              pid_t left = ::fork();
              if (left == 0) {
                pipe.write.Reset();
                while (true) ::pause();
              }
              if (!WriteAll(pipe.write.get(), std::to_string(left)).ok()) return 1;
              ::kill(::getpid(), SIGKILL);
              return 2;
            }),
            1000 + SIGKILL);
  pipe.write.Reset();
  const auto said = ReadAll(pipe.read.get(), 64);
  ASSERT_TRUE(said.ok());
  const auto left = static_cast<pid_t>(std::stol(*said));
  EXPECT_EQ(::kill(left, 0), 0) << "it has survived its guardian";
  ASSERT_EQ(InChild([] { return RunCgroup::Join({.memory_bytes = 64 << 20, .pids = 8}).ok() ? 0 : 1; }), 0);
  // Whoever inherits orphans here may take its time to reap.
  const auto state = ReadFile("/proc/" + *said + "/stat");
  EXPECT_TRUE(!state.ok() || state->find(") Z ") != std::string::npos) << *state;
}

TEST_F(Cgroup, CountsTheProcessorTimeOfThoseThatNobodyWaitsFor) {
  EXPECT_EQ(InChild([] {
              const auto group = RunCgroup::Join({.memory_bytes = 64 << 20, .pids = 8});
              if (!group.ok() || !group->cpu_us()) return 200;
              ::signal(SIGCHLD, SIG_IGN);
              const std::uint64_t before = *group->cpu_us();
              Pipe gate = std::move(MakePipe()).value();
              if (::fork() == 0) {
                const clock_t end = ::clock() + CLOCKS_PER_SEC / 5;
                while (::clock() < end) continue;
                ::_exit(0);
              }
              gate.write.Reset();
              char byte;
              while (::read(gate.read.get(), &byte, 1) > 0) continue;
              return *group->cpu_us() - before >= 190'000 ? 0 : 201;
            }),
            0);
}

}  // namespace
}  // namespace rune::sandbox
