#include "sandbox/base/held_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/base/files.h"

namespace rune {
namespace {

class HeldFileTest : public testing::Test {
 protected:
  std::string At(const std::string& name) const { return dir_.path() + "/" + name; }
  std::string Text(const std::string& name) const {
    const auto text = ReadFile(At(name));
    return text.ok() ? *text : "(none)";
  }
  void SetUp() override { ASSERT_TRUE(MakeDirs(At("d")).ok()); }
  TempDir dir_ = TempDir::Create("/tmp", "held-file-test-").value();
};

TEST_F(HeldFileTest, IsWrittenWhereItWas) {
  const auto held = HeldFile::Hold(At("d/x"));
  ASSERT_TRUE(held.ok());
  EXPECT_TRUE(held->Write("one").ok());
  EXPECT_TRUE(held->Write("two").ok());
  EXPECT_EQ(Text("d/x"), "two");
}

TEST_F(HeldFileTest, FollowsLinksToItsDirectoryOnceAndNeverOneInItsPlace) {
  ASSERT_EQ(::symlink("d", At("link").c_str()), 0);
  ASSERT_TRUE(WriteFileAtomic(At("d/x"), "old").ok());
  ASSERT_EQ(::symlink("d/x", At("file").c_str()), 0);
  EXPECT_TRUE(HeldFile::Hold(At("link/x"))->Write("by the directory").ok());
  EXPECT_EQ(Text("d/x"), "by the directory");
  const auto file = HeldFile::Hold(At("file"));
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().message.find("is a link"), std::string::npos);
  EXPECT_EQ(Text("d/x"), "by the directory");
}

TEST_F(HeldFileTest, ReadsRegularFilesAlone) {
  EXPECT_EQ(HeldFile::Hold(At("d/x"))->Read(100).value(), std::nullopt);
  ASSERT_TRUE(WriteFileAtomic(At("d/x"), "text").ok());
  const auto held = HeldFile::Hold(At("d/x"));
  EXPECT_EQ(held->Read(100).value(), "text");
  EXPECT_FALSE(held->Read(3).ok());
  EXPECT_FALSE(HeldFile::Hold("/dev/null")->Read(100).ok());
  ASSERT_EQ(::rename(At("d/x").c_str(), At("d/y").c_str()), 0);
  ASSERT_EQ(::symlink("y", At("d/x").c_str()), 0);
  EXPECT_FALSE(held->Read(100).ok()) << "a link";
  ::unlink(At("d/x").c_str());
  ASSERT_EQ(::mkfifo(At("d/x").c_str(), 0600), 0);
  EXPECT_FALSE(held->Read(100).ok()) << "a pipe";
}

TEST_F(HeldFileTest, WritesWithTheModeThatWasAskedFor) {
  EXPECT_TRUE(HeldFile::Hold(At("d/x"), 0600)->Write("text").ok());
  struct stat info{};
  ASSERT_EQ(::stat(At("d/x").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(HeldFileTest, AGivenDescriptorIsWrittenToAsItIs) {
  Pipe pipe = MakePipe().value();
  const auto held = HeldFile::Hold("/dev/fd/" + std::to_string(pipe.write.get()));
  ASSERT_TRUE(held.ok());
  EXPECT_FALSE(held->is_regular());
  EXPECT_TRUE(held->Write("text").ok());
  char buffer[8] = {};
  EXPECT_EQ(::read(pipe.read.get(), buffer, sizeof buffer), 4);
  EXPECT_FALSE(HeldFile::Hold("/dev/fd/" + std::to_string(pipe.read.get())).ok()) << "cannot be written";
}

TEST_F(HeldFileTest, AParentThatIsSwappedLeadsNowhereElse) {
  ASSERT_TRUE(MakeDirs(At("victim")).ok());
  const auto held = HeldFile::Hold(At("d/x"));
  ASSERT_TRUE(held.ok());
  ASSERT_EQ(::rename(At("d").c_str(), At("moved").c_str()), 0);
  ASSERT_EQ(::symlink("victim", At("d").c_str()), 0);
  EXPECT_TRUE(held->Write("text").ok());
  EXPECT_FALSE(Exists(At("victim/x")));
  EXPECT_EQ(Text("moved/x"), "text");
}

TEST_F(HeldFileTest, WhatIsPlantedInItsPlaceIsReplaced) {
  ASSERT_TRUE(WriteFileAtomic(At("victim"), "safe").ok());
  for (const char* planted : {"link", "fifo"}) {
    const auto held = HeldFile::Hold(At("d/x"));
    ASSERT_TRUE(held.ok());
    ::unlink(At("d/x").c_str());
    if (std::string(planted) == "link") {
      ASSERT_EQ(::symlink("../victim", At("d/x").c_str()), 0);
    } else {
      ASSERT_EQ(::mkfifo(At("d/x").c_str(), 0600), 0);
    }
    EXPECT_TRUE(held->Write("text").ok()) << planted;
    EXPECT_EQ(Text("d/x"), "text") << planted;
  }
  EXPECT_EQ(Text("victim"), "safe");
}

TEST_F(HeldFileTest, NeverWaitsForTheOtherEndOfAPipe) {
  ASSERT_EQ(::mkfifo(At("fifo").c_str(), 0600), 0);
  const auto held = HeldFile::Hold(At("fifo"));
  ASSERT_FALSE(held.ok());
  EXPECT_NE(held.error().message.find("nobody reads"), std::string::npos);
  // With a reader it is written to, and stays what it is.
  const UniqueFd reader(::open(At("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const auto read = HeldFile::Hold(At("fifo"));
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->Write("text").ok());
  char buffer[8] = {};
  EXPECT_EQ(::read(reader.get(), buffer, sizeof buffer), 4);
  // One that takes nothing is given up.
  EXPECT_FALSE(read->Write(std::string(1 << 20, 'x')).ok());
}

TEST_F(HeldFileTest, DevicesAreWrittenTo) {
  EXPECT_TRUE(HeldFile::Hold("/dev/null")->Write("text").ok());
  struct stat info{};
  ASSERT_EQ(::stat("/dev/null", &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode));
}

TEST_F(HeldFileTest, OpeningAFileNeverWaitsForAPipe) {
  ASSERT_EQ(::mkfifo(At("fifo").c_str(), 0600), 0);
  EXPECT_FALSE(OpenFile(At("fifo"), O_WRONLY).ok());
  EXPECT_EQ(ReadFile(At("fifo")).value(), "");
}

}  // namespace
}  // namespace rune
