#include "sandbox/capture.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "sandbox/base/files.h"

namespace rune::sandbox {
namespace {

class CaptureTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("/tmp", "capture-test-");
    ASSERT_TRUE(dir.ok());
    dir_ = std::make_unique<TempDir>(std::move(dir).value());
    fd_.Reset(::open(dir_->path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  std::string Spill() const { return dir_->path() + "/out.txt"; }
  std::unique_ptr<TempDir> dir_;
  UniqueFd fd_;
};

TEST_F(CaptureTest, ASmallStreamIsKeptWholeAndMakesNoFile) {
  Capture capture({.keep_head = 4, .keep_tail = 4, .directory = fd_.get(), .spill_path = Spill()});
  capture.Append("1234");
  capture.Append("5678");
  const Stream stream = capture.Take();
  EXPECT_EQ(stream.head, "12345678");
  EXPECT_EQ(stream.tail, "");
  EXPECT_EQ(stream.spill, "");
  EXPECT_FALSE(Exists(Spill()));
}

TEST_F(CaptureTest, ALargeStreamKeepsBothEndsAndTheWholeInAFile) {
  Capture capture({.keep_head = 4, .keep_tail = 4, .directory = fd_.get(), .spill_path = Spill()});
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    all += piece;
    capture.Append(piece);
  }
  const Stream stream = capture.Take();
  EXPECT_EQ(stream.head, all.substr(0, 4));
  EXPECT_EQ(stream.tail, all.substr(all.size() - 4));
  EXPECT_EQ(stream.total, all.size());
  EXPECT_EQ(ReadFile(stream.spill).value(), all);
}

TEST_F(CaptureTest, AFilePlantedInItsPlaceIsNotWritten) {
  ASSERT_TRUE(WriteFileAtomic(dir_->path() + "/victim", "safe").ok());
  ASSERT_EQ(::symlink((dir_->path() + "/victim").c_str(), Spill().c_str()), 0);
  Capture capture({.keep_head = 1, .keep_tail = 1, .directory = fd_.get(), .spill_path = Spill()});
  capture.Append("overflow");
  EXPECT_EQ(capture.Take().spill, "");
  EXPECT_EQ(ReadFile(dir_->path() + "/victim").value(), "safe");
}

TEST_F(CaptureTest, ADirectoryThatWasSwappedForALinkGetsNothing) {
  const std::string victim = dir_->path() + "-victim";
  ASSERT_TRUE(MakeDirs(victim).ok());
  ASSERT_EQ(::rename(dir_->path().c_str(), (dir_->path() + "-moved").c_str()), 0);
  ASSERT_EQ(::symlink(victim.c_str(), dir_->path().c_str()), 0);
  Capture capture({.keep_head = 1, .keep_tail = 1, .directory = fd_.get(), .spill_path = Spill()});
  capture.Append("overflow");
  capture.Take();
  EXPECT_FALSE(Exists(victim + "/out.txt"));
  EXPECT_EQ(ReadFile(dir_->path() + "-moved/out.txt").value(), "overflow");
  ASSERT_EQ(::unlink(dir_->path().c_str()), 0);
  ASSERT_EQ(::rename((dir_->path() + "-moved").c_str(), dir_->path().c_str()), 0);
  ASSERT_TRUE(RemoveTree(victim).ok());
}

}  // namespace
}  // namespace rune::sandbox
