#include "sandbox/base/directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/base/files.h"

namespace rune {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(DirectoryTest, NamesEverythingButItselfAndItsParent) {
  auto dir = TempDir::Create("/tmp", "directory-test-");
  ASSERT_TRUE(dir.ok());
  EXPECT_THAT(NamesIn(dir->path()), IsEmpty());
  for (const char* name : {"a", ".hidden", "..odd"}) {
    ASSERT_TRUE(WriteFileAtomic(dir->path() + "/" + name, "x").ok());
  }
  EXPECT_THAT(NamesIn(dir->path()), UnorderedElementsAre("a", ".hidden", "..odd"));
}

TEST(DirectoryTest, AnOpenOneIsNeitherClosedNorMoved) {
  auto dir = TempDir::Create("/tmp", "directory-test-");
  ASSERT_TRUE(dir.ok());
  ASSERT_TRUE(WriteFileAtomic(dir->path() + "/a", "x").ok());
  for (const int flags : {O_RDONLY | O_DIRECTORY, O_PATH | O_DIRECTORY}) {
    const auto fd = OpenFile(dir->path(), flags);
    ASSERT_TRUE(fd.ok());
    EXPECT_THAT(NamesIn(fd->get()), UnorderedElementsAre("a"));
    EXPECT_THAT(NamesIn(fd->get()), UnorderedElementsAre("a")) << "and again";
  }
}

TEST(DirectoryTest, WhatCannotBeReadHoldsNothing) {
  EXPECT_THAT(NamesIn("/nonexistent"), IsEmpty());
  EXPECT_THAT(NamesIn("/etc/passwd"), IsEmpty());
  EXPECT_THAT(NamesIn(-1), IsEmpty());
}

}  // namespace
}  // namespace rune
