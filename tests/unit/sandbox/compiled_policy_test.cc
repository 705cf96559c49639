/// A policy that is compiled while commands run already.
#include "sandbox/guardian/compiled_policy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"

namespace rune::sandbox {
namespace {

class FirstMeaningsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"/work", "/work/build", "/work/data", "/victim"})
      ASSERT_TRUE(MakeDirs(top_ + name, 0755).ok());
  }
  FileAccess Kept(FileAccess files) {
    KeepFirstMeanings(first_, files);
    return files;
  }
  void PutLinkAt(const char* name) const {
    ASSERT_EQ(::rename((top_ + name).c_str(), (top_ + name + "-was").c_str()), 0);
    ASSERT_EQ(::symlink((top_ + "/victim").c_str(), (top_ + name).c_str()), 0);
  }

  TempDir dir_ = std::move(TempDir::Create("/tmp", "meanings-")).value();
  std::string top_ = RealPath(dir_.path()).value();
  FirstMeanings first_;
};

TEST_F(FirstMeaningsTest, AWritableNameThatLeadsElsewhereByNowGrantsNothingToALaterPolicy) {
  const FileAccess first{.write = {top_ + "/work/build"}};
  EXPECT_EQ(Kept(first), first);
  PutLinkAt("/work/build");
  EXPECT_EQ(ResolveAccess(first).write, (std::vector<std::string>{top_ + "/victim"})) << "what it would grant";
  EXPECT_TRUE(Kept(first).write.empty());
}

TEST_F(FirstMeaningsTest, NorDoesAReadableNameInsideATreeThatAnotherPolicyLetsBeWritten) {
  const FileAccess reads{.read = {top_ + "/work/data"}};
  Kept({.write = {top_ + "/work"}});
  EXPECT_EQ(Kept(reads), reads);
  PutLinkAt("/work/data");
  EXPECT_TRUE(Kept(reads).read.empty());
}

TEST_F(FirstMeaningsTest, WhatNoCommandCanMoveIsLookedUpAnew) {
  const FileAccess reads{.read = {top_ + "/work/data"}};
  EXPECT_EQ(Kept(reads), reads);
  PutLinkAt("/work/data");
  EXPECT_EQ(Kept(reads), reads) << "the system's own links change, too";
}

TEST_F(FirstMeaningsTest, AnotherDirectoryAtTheSamePlaceIsTheSameName) {
  const FileAccess files{.write = {top_ + "/work/build", top_ + "/missing"}};
  EXPECT_EQ(Kept(files), files);
  ASSERT_EQ(::rmdir((top_ + "/work/build").c_str()), 0);
  ASSERT_TRUE(MakeDirs(top_ + "/work/build", 0755).ok());
  EXPECT_EQ(Kept(files), files);
}

}  // namespace
}  // namespace rune::sandbox
