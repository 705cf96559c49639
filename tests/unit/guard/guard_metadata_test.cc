/// Modes and times of files: only where a guarded command may write.
#include <gtest/gtest.h>
#include <sys/stat.h>

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

}  // namespace
}  // namespace rune::sandbox
