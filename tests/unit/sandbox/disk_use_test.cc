#include "sandbox/guardian/disk_use.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/base/files.h"

namespace rune::sandbox {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

class DiskUseTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("/var/tmp", "disk-use-");
    ASSERT_TRUE(dir.ok());
    dir_ = std::make_unique<TempDir>(std::move(dir).value());
    ASSERT_TRUE(MakeDirs(At("mine/inner")).ok() && MakeDirs(At("other")).ok());
  }
  std::string At(const std::string& name) const { return dir_->path() + "/" + name; }
  UniqueFd Take(const std::string& name, std::uint64_t bytes) const {
    UniqueFd fd(::open(At(name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes)), 0);
    return fd;
  }
  static bool Over(const DiskUse& use) {
    const pid_t child = use.StartCount();
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == DiskUse::kOver;
  }
  std::unique_ptr<TempDir> dir_;
};

TEST_F(DiskUseTest, SpaceThatWasReservedCountsWithoutAByteWritten) {
  DiskUse use(4 * kMiB);
  use.Watch({At("mine")});
  EXPECT_FALSE(Over(use));
  Take("mine/inner/one", 3 * kMiB);
  EXPECT_FALSE(Over(use));
  Take("mine/inner/two", 3 * kMiB);
  EXPECT_TRUE(Over(use));
  EXPECT_TRUE(use.Suspicious());
}

TEST_F(DiskUseTest, WhatOthersTakeElsewhereDoesNot) {
  DiskUse use(4 * kMiB);
  use.Watch({At("mine"), "/dev/null", At("missing")});
  Take("other/large", 16 * kMiB);
  EXPECT_TRUE(use.Suspicious());
  EXPECT_FALSE(Over(use));
  use.Counted();
  EXPECT_FALSE(use.Suspicious()) << "the same space is not looked at twice";
}

TEST_F(DiskUseTest, AFileWithTwoNamesCountsOnce) {
  DiskUse use(4 * kMiB);
  use.Watch({At("mine")});
  Take("mine/one", 3 * kMiB);
  ASSERT_EQ(::link(At("mine/one").c_str(), At("mine/two").c_str()), 0);
  EXPECT_FALSE(Over(use));
}

TEST_F(DiskUseTest, AFileWithoutANameThatAProcessHoldsCounts) {
  DiskUse use(4 * kMiB);
  use.Watch({At("mine")});
  Pipe gate = std::move(MakePipe()).value();
  Pipe said = std::move(MakePipe()).value();
  const pid_t holder = ::fork();
  if (holder == 0) {
    gate.write.Reset();
    const UniqueFd fd = Take("mine/gone", 6 * kMiB);
    ::unlink(At("mine/gone").c_str());
    char byte = 'x';
    [[maybe_unused]] auto n = ::write(said.write.get(), &byte, 1);
    n = ::read(gate.read.get(), &byte, 1);
    ::_exit(0);
  }
  char byte;
  ASSERT_EQ(::read(said.read.get(), &byte, 1), 1);
  EXPECT_TRUE(Over(use));
  gate.write.Reset();
  ASSERT_EQ(::waitpid(holder, nullptr, 0), holder);
  EXPECT_FALSE(Over(use)) << "the control: it went with its holder";
}

TEST_F(DiskUseTest, WithoutALimitNothingIsLookedAt) {
  DiskUse use(0);
  use.Watch({At("mine")});
  EXPECT_FALSE(use.limited());
  EXPECT_FALSE(use.Suspicious());
}

}  // namespace
}  // namespace rune::sandbox
