/// Whether a file lies in a tree that may be written, whatever its name is by now.
#include "sandbox/guard/held_trees.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"

namespace rune::sandbox {
namespace {

class HeldTreesTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"/build", "/build/closed", "/victim"}) ASSERT_TRUE(MakeDirs(top_ + name, 0755).ok());
    for (const char* name : {"/build/file", "/build/closed/gold", "/victim/file"})
      ASSERT_TRUE(WriteFileAtomic(top_ + name, "x").ok());
    trees_ = HeldTrees({.write = {top_ + "/build", "/dev/null"}, .denied = {top_ + "/build/closed"}});
  }
  bool Holds(const std::string& name) const {
    const UniqueFd fd(::open((top_ + name).c_str(), O_PATH | O_CLOEXEC));
    return fd.valid() && trees_.Contains(fd.get());
  }
  void Move(const char* from, const char* to) const {
    ASSERT_EQ(::rename((top_ + from).c_str(), (top_ + to).c_str()), 0);
  }

  TempDir dir_ = std::move(TempDir::Create("/tmp", "held-")).value();
  std::string top_ = RealPath(dir_.path()).value();
  HeldTrees trees_;
};

TEST_F(HeldTreesTest, ContainWhatLiesInThemAndIsNotDenied) {
  EXPECT_TRUE(Holds("/build"));
  EXPECT_TRUE(Holds("/build/file"));
  EXPECT_FALSE(Holds("/build/closed/gold"));
  EXPECT_FALSE(Holds("/victim/file"));
  EXPECT_FALSE(HeldTrees().Contains(0));
}

TEST_F(HeldTreesTest, ContainNothingThatTakesTheirNameLater) {
  Move("/build", "/b2");
  ASSERT_EQ(::symlink((top_ + "/victim").c_str(), (top_ + "/build").c_str()), 0);
  EXPECT_FALSE(Holds("/build/file")) << "a link in its place";
  ASSERT_EQ(::unlink((top_ + "/build").c_str()), 0);
  Move("/victim", "/build");
  EXPECT_FALSE(Holds("/build/file")) << "another directory in its place";
  EXPECT_TRUE(Holds("/b2/file")) << "the tree itself is still the command's";
  EXPECT_FALSE(Holds("/b2/closed/gold")) << "and what is denied in it still is not";
}

TEST_F(HeldTreesTest, ContainNoDeviceThatIsGrantedForWriting) {
  const UniqueFd null(::open("/dev/null", O_PATH | O_CLOEXEC));
  EXPECT_FALSE(trees_.Contains(null.get()));
}

TEST_F(HeldTreesTest, ContainTheirFilesThatHaveNoNameAnyMore) {
  const UniqueFd fd(::open((top_ + "/build/file").c_str(), O_PATH | O_CLOEXEC));
  ASSERT_EQ(::unlink((top_ + "/build/file").c_str()), 0);
  EXPECT_TRUE(trees_.Contains(fd.get()));
}

}  // namespace
}  // namespace rune::sandbox
