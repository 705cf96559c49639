/// Modes and times of files: only where a guarded command may write.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/base/files.h"
#include "tests/unit/guard/guarded_run.h"

namespace rune::sandbox {
namespace {

TEST(GuardedMetadata, OfAFileChangesWithTheGrantThatTheRefusalNames) {
  if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
  const TempDir dir = std::move(TempDir::Create("/tmp", "guard-mode-")).value();
  const std::string file = dir.path() + "/file";
  ASSERT_TRUE(WriteFileAtomic(file, "x").ok());
  const auto change = [&] { return Errno(::chmod(file.c_str(), 0600)); };
  GuardedSetup setup;
  const GuardedResult refused = RunGuarded(setup, change);
  EXPECT_EQ(refused.status, EACCES);
  ASSERT_EQ(refused.RemedyFor(DeniedAct::kMetadata, file), (Remedy{Grant::kWrite, {file}}));
  setup.files.write = {file};
  EXPECT_EQ(RunGuarded(setup, change).status, 0);
  // What is denied stays closed, so nothing is promised.
  setup.files.denied = {dir.path()};
  const GuardedResult denied = RunGuarded(setup, change);
  EXPECT_EQ(denied.status, EACCES);
  EXPECT_TRUE(denied.Denied(DeniedAct::kMetadata, file));
  EXPECT_EQ(denied.RemedyFor(DeniedAct::kMetadata, file), Remedy());
}

TEST(GuardedMetadata, OfADeviceNeverChanges) {
  if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
  GuardedSetup setup;
  setup.files.write = {"/dev/null", "/dev/zero"};
  struct stat before{};
  ASSERT_EQ(::stat("/dev/null", &before), 0);
  // To what it is already: harmless where it succeeds, as it does for root.
  const auto change = [&] { return Errno(::chmod("/dev/null", before.st_mode & 07777)); };
  EXPECT_EQ(RunBare(change), ::geteuid() == 0 ? 0 : EPERM);
  EXPECT_EQ(RunGuarded(setup, change).status, EACCES);
  EXPECT_EQ(RunGuarded(setup, [] { return Errno(::utimensat(AT_FDCWD, "/dev/zero", nullptr, 0)); }).status, EACCES);
}

class GuardedTruncation : public testing::Test {
 protected:
  void SetUp() override {
    if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
    setup_.unheld.truncation = true;
    ASSERT_TRUE(MakeDirs(dir_.path() + "/work", 0755).ok());
    for (const std::string& file : {own_, outside_}) ASSERT_TRUE(WriteFileAtomic(file, "12345678").ok());
    setup_.files.write = {dir_.path() + "/work"};
  }
  static off_t SizeOf(const std::string& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 ? info.st_size : -1;
  }
  int Run(const std::function<int()>& act) const { return RunGuarded(setup_, act).status; }

  TempDir dir_ = std::move(TempDir::Create("/tmp", "guard-cut-")).value();
  std::string own_ = dir_.path() + "/work/file";
  std::string outside_ = dir_.path() + "/outside";
  GuardedSetup setup_;
};

TEST_F(GuardedTruncation, CutsAndGrowsFilesOfItsOwnTrees) {
  EXPECT_EQ(Run([&] { return Errno(::truncate(own_.c_str(), 3)); }), 0);
  EXPECT_EQ(SizeOf(own_), 3);
  EXPECT_EQ(Run([&] {
              if (::chdir((dir_.path() + "/work").c_str()) != 0) return 250;
              return Errno(::truncate("file", 5000));
            }),
            0);
  EXPECT_EQ(SizeOf(own_), 5000);
  EXPECT_EQ(Run([&] { return Errno(::truncate((dir_.path() + "/work").c_str(), 0)); }), EISDIR);
  EXPECT_EQ(Run([&] { return Errno(::truncate((own_ + "x").c_str(), 0)); }), ENOENT);
  EXPECT_EQ(Run([&] { return Errno(::truncate(own_.c_str(), -1)); }), EINVAL);
}

TEST_F(GuardedTruncation, CutsNothingElse) {
  const auto cut = [&] { return Errno(::truncate(outside_.c_str(), 1)); };
  const GuardedResult refused = RunGuarded(setup_, cut);
  EXPECT_EQ(refused.status, EACCES);
  EXPECT_EQ(refused.RemedyFor(DeniedAct::kWrite, outside_), (Remedy{Grant::kWrite, {outside_}}));
  ASSERT_EQ(::symlink(outside_.c_str(), (dir_.path() + "/work/link").c_str()), 0);
  EXPECT_EQ(Run([&] { return Errno(::truncate((dir_.path() + "/work/link").c_str(), 1)); }), EACCES);
  for (const int flags : {O_RDONLY | O_TRUNC, O_RDONLY | O_CREAT | O_TRUNC, O_ACCMODE | O_TRUNC}) {
    EXPECT_EQ(Run([&] { return Errno(::open(outside_.c_str(), flags, 0600)); }), EACCES) << flags;
  }
  EXPECT_EQ(SizeOf(outside_), 8);
  EXPECT_EQ(RunBare([&] { return Errno(::open(outside_.c_str(), O_RDONLY | O_TRUNC)); }), 0);
  EXPECT_EQ(SizeOf(outside_), 0);
}

TEST_F(GuardedTruncation, GrowsNoFileAboveTheCommandsOwnLimit) {
  EXPECT_EQ(Run([&] {
              const rlimit limit{4096, 4096};
              ::setrlimit(RLIMIT_FSIZE, &limit);
              return Errno(::truncate(own_.c_str(), 4097));
            }),
            EFBIG);
  EXPECT_EQ(SizeOf(own_), 8);
}

TEST_F(GuardedTruncation, LeavesWhatOpensForWritingToTheKernel) {
  EXPECT_EQ(Run([&] { return Errno(::open(own_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644)); }), 0);
  EXPECT_EQ(SizeOf(own_), 0);
}

}  // namespace
}  // namespace rune::sandbox
