#include "sandbox/run_directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>

namespace rune::sandbox {
namespace {

class RunDirectoryTest : public testing::Test {
 protected:
  std::string At(const std::string& name) const { return parent_->path() + "/" + name; }
  /// As if its run had been killed a while ago: the clock of a change of status cannot be set, so that time goes by.
  std::string Abandoned() {
    const std::string path = At("rune-run-abcdef");
    EXPECT_TRUE(MakeDirs(path + "/deep/er").ok());
    EXPECT_EQ(::chmod(path.c_str(), 0700), 0);
    return path;
  }
  Result<TempDir> parent_ = TempDir::Create("/tmp", "run-directory-test-");
};

TEST_F(RunDirectoryTest, GoesWithItsOwner) {
  std::string path;
  {
    const auto run = RunDirectory::Create(parent_->path());
    ASSERT_TRUE(run.ok());
    path = run->path();
    EXPECT_TRUE(Exists(path));
  }
  EXPECT_FALSE(Exists(path));
}

TEST_F(RunDirectoryTest, WhatADeadRunLeftIsRemovedAndItsProcessesAreKilled) {
  const std::string path = Abandoned();
  const pid_t survivor = ::fork();
  if (survivor == 0) {
    ::setsid();
    const std::string entry = "TMPDIR=" + path;
    ::execle("/bin/sleep", "sleep", "600", nullptr, std::array<const char*, 2>{entry.c_str(), nullptr}.data());
    ::_exit(1);
  }
  while (ReadFile("/proc/" + std::to_string(survivor) + "/comm").value() != "sleep\n") ::usleep(1000);
  RemoveAbandonedRuns(parent_->path(), std::chrono::seconds(0));
  int status = 0;
  EXPECT_EQ(::waitpid(survivor, &status, 0), survivor);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_FALSE(Exists(path));
}

TEST_F(RunDirectoryTest, ALiveRunsDirectoryIsLeftAlone) {
  const std::string path = Abandoned();
  std::optional<UniqueFd> held = HoldRunDirectory(path);
  RemoveAbandonedRuns(parent_->path(), std::chrono::seconds(0));
  EXPECT_TRUE(Exists(path + "/deep/er"));
  held.reset();
  RemoveAbandonedRuns(parent_->path(), std::chrono::seconds(0));
  EXPECT_FALSE(Exists(path)) << "the control: without the lock it goes";
}

TEST_F(RunDirectoryTest, AYoungOneAndWhatOnlyLooksLikeOneAreLeftAlone) {
  const std::string path = Abandoned();
  for (const char* name : {"rune-run-parser-x", "rune-parser", "rune-run-public"}) {
    ASSERT_TRUE(MakeDirs(At(name)).ok());
    ASSERT_EQ(::chmod(At(name).c_str(), 0755), 0);
  }
  ASSERT_EQ(::symlink(path.c_str(), At("rune-run-linked").c_str()), 0);
  RemoveAbandonedRuns(parent_->path());
  EXPECT_TRUE(Exists(path)) << "it may not be locked yet";
  RemoveAbandonedRuns(parent_->path(), std::chrono::seconds(0));
  for (const char* name : {"rune-run-parser-x", "rune-parser", "rune-run-public"}) EXPECT_TRUE(Exists(At(name)));
  struct stat info{};
  EXPECT_EQ(::lstat(At("rune-run-linked").c_str(), &info), 0);
}

}  // namespace
}  // namespace rune::sandbox
