#include "agent/config/trust.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/base/files.h"

namespace rune::agent {
namespace {

class TrustTest : public ::testing::Test {
 protected:
  TrustTest() : root_(TempDir::Create("/tmp", "rune-trust-").value()) {
    EXPECT_TRUE(MakeDirs(home_).ok());
    EXPECT_TRUE(MakeDirs(dir_).ok());
  }
  TempDir root_;
  std::string home_ = root_.path() + "/home";
  std::string dir_ = root_.path() + "/work/project";
};

TEST_F(TrustTest, IsGivenToOneDirectoryAndNotToItsChildren) {
  EXPECT_FALSE(IsTrusted(dir_, home_));
  ASSERT_TRUE(TrustDirectory(dir_, home_).ok());
  EXPECT_TRUE(IsTrusted(dir_, home_));
  EXPECT_TRUE(IsTrusted(dir_ + "/../project/", home_));
  ASSERT_TRUE(MakeDirs(dir_ + "/inner").ok());
  EXPECT_FALSE(IsTrusted(dir_ + "/inner", home_));
  EXPECT_FALSE(IsTrusted(root_.path() + "/work", home_));
}

TEST_F(TrustTest, IsWrittenOnceWithAPrivateMode) {
  ASSERT_TRUE(TrustDirectory(dir_, home_).ok());
  const std::string list = ReadFile(home_ + "/.rune/trusted").value();
  ASSERT_TRUE(TrustDirectory(dir_, home_).ok());
  EXPECT_EQ(ReadFile(home_ + "/.rune/trusted").value(), list);
  struct stat info{};
  ASSERT_EQ(::stat((home_ + "/.rune/trusted").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_TRUE(TrustDirectory(root_.path() + "/work", home_).ok());
  EXPECT_TRUE(IsTrusted(dir_, home_));
}

TEST_F(TrustTest, DoesNotCarryOverToAnotherDirectoryInTheSamePlace) {
  ASSERT_TRUE(TrustDirectory(dir_, home_).ok());
  ASSERT_EQ(::rename(dir_.c_str(), (dir_ + ".old").c_str()), 0);
  ASSERT_TRUE(MakeDirs(dir_).ok());
  EXPECT_FALSE(IsTrusted(dir_, home_));
  EXPECT_FALSE(IsTrusted(dir_ + ".old", home_));
}

TEST_F(TrustTest, EndsWhenTheFileChanges) {
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/rune.toml", "max_steps = 3\n").ok());
  ASSERT_TRUE(TrustDirectory(dir_, home_).ok());
  EXPECT_TRUE(IsTrusted(dir_, home_));
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/rune.toml", "yes = true\n").ok());
  EXPECT_FALSE(IsTrusted(dir_, home_)) << "a tool, or a pull, may have written it";
  ASSERT_TRUE(TrustDirectory(dir_, home_).ok());
  EXPECT_TRUE(IsTrusted(dir_, home_));
}

TEST_F(TrustTest, IsNotTakenFromAListThatOthersMayWrite) {
  ASSERT_TRUE(TrustDirectory(dir_, home_).ok());
  ASSERT_EQ(::chmod((home_ + "/.rune/trusted").c_str(), 0622), 0);
  EXPECT_FALSE(IsTrusted(dir_, home_));
  ASSERT_EQ(::chmod((home_ + "/.rune/trusted").c_str(), 0600), 0);
  EXPECT_TRUE(IsTrusted(dir_, home_));
}

TEST_F(TrustTest, CannotBeGivenWithoutAHomeNorToWhatIsNotADirectory) {
  EXPECT_FALSE(TrustDirectory(dir_, "").ok());
  EXPECT_FALSE(IsTrusted(dir_, ""));
  EXPECT_FALSE(TrustDirectory(dir_ + "/missing", home_).ok());
  ASSERT_TRUE(WriteFileAtomic(dir_ + "/file", "x").ok());
  EXPECT_FALSE(TrustDirectory(dir_ + "/file", home_).ok());
  ASSERT_TRUE(MakeDirs(dir_ + "/a\nb").ok());
  EXPECT_FALSE(TrustDirectory(dir_ + "/a\nb", home_).ok());
}

}  // namespace
}  // namespace rune::agent
