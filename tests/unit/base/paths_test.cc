#include "sandbox/base/paths.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "sandbox/base/files.h"

namespace rune {
namespace {

TEST(PathTest, NormalisesLexically) {
  EXPECT_EQ(NormalizePath("a/../b/./c//", "/x"), "/x/b/c");
  EXPECT_EQ(NormalizePath("/../..", "/x"), "/");
  EXPECT_EQ(NormalizePath("", "/x/"), "/x");
}

TEST(PathTest, BelowMeansAWholeComponent) {
  EXPECT_TRUE(IsBelow("/root", "/root"));
  EXPECT_TRUE(IsBelow("/root/a", "/root"));
  EXPECT_FALSE(IsBelow("/rootfs", "/root"));
  EXPECT_TRUE(IsBelow("/anything", "/"));
}

TEST(PathTest, TheLastPartAndWhatHoldsIt) {
  const struct {
    const char* path;
    const char* name;
    const char* parent;
  } cases[] = {{"/a/b", "b", "/a"}, {"/a", "a", "/"}, {"a/b", "b", "a"}, {"a", "a", "."}, {"", "", "."}};
  for (const auto& c : cases) {
    EXPECT_EQ(FileName(c.path), c.name) << c.path;
    EXPECT_EQ(ParentOf(c.path), c.parent) << c.path;
  }
}

TEST(PathTest, ATildeAloneOrWithASlashIsTheHome) {
  const struct {
    const char* path;
    const char* expanded;
  } cases[] = {{"~", "/home/me"}, {"~/x", "/home/me/x"}, {"~you/x", "~you/x"}, {"/a/~/b", "/a/~/b"}, {"", ""}};
  for (const auto& c : cases) EXPECT_EQ(ExpandHome(c.path, "/home/me"), c.expanded);
  EXPECT_EQ(ExpandHome("~/x", ""), "~/x");
}

TEST(PathTest, ARealPathHasNoLinks) {
  auto dir = TempDir::Create("/tmp", "paths-test-");
  ASSERT_TRUE(dir.ok());
  const std::string file = dir->path() + "/file";
  const std::string link = dir->path() + "/link";
  ASSERT_TRUE(WriteFileAtomic(file, "x").ok());
  ASSERT_EQ(::symlink("file", link.c_str()), 0);
  EXPECT_EQ(RealPath(link), RealPath(dir->path()).value() + "/file");
  EXPECT_EQ(RealPath(dir->path() + "/missing"), std::nullopt);
}

TEST(PathTest, TheCurrentDirectoryIsAbsolute) { EXPECT_EQ(RealPath(CurrentDirectory()), RealPath(".")); }

}  // namespace
}  // namespace rune
