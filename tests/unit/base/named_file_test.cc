#include "sandbox/base/named_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/base/files.h"

namespace rune {
namespace {

class NamedFileTest : public testing::Test {
 protected:
  std::string At(const std::string& name) const { return dir_.path() + "/" + name; }
  std::string Opened(const std::string& name, int flags) const {
    const auto fd = OpenNamed(At(name), flags, 0600);
    return fd.ok() ? "opened" : fd.error().message.substr(At(name).size());
  }
  void SetUp() override {
    ASSERT_TRUE(MakeDirs(At("d")).ok());
    ASSERT_TRUE(WriteFileAtomic(At("d/file"), "text").ok());
    ASSERT_EQ(::symlink("file", At("d/link").c_str()), 0);
    ASSERT_EQ(::symlink("new", At("d/dangling").c_str()), 0);
    ASSERT_EQ(::symlink("d", At("way").c_str()), 0);
    ASSERT_EQ(::mkfifo(At("d/fifo").c_str(), 0600), 0);
  }
  TempDir dir_ = TempDir::Create("/tmp", "named-file-test-").value();
  EventLoop loop_;
};

TEST_F(NamedFileTest, OpensRegularFilesAndNothingElse) {
  constexpr std::string_view kLink = ": is a link; name the file that is meant";
  constexpr std::string_view kOther = ": is no regular file";
  for (const int flags : {O_RDONLY, O_WRONLY | O_CREAT | O_APPEND}) {
    EXPECT_EQ(Opened("d/file", flags), "opened");
    EXPECT_EQ(Opened("way/file", flags), "opened") << "a link on the way";
    EXPECT_EQ(Opened("d/link", flags), kLink);
    EXPECT_EQ(Opened("d/dangling", flags), kLink);
    EXPECT_EQ(Opened("d/fifo", flags), kOther);
    EXPECT_EQ(Opened("d", flags), ": Is a directory");
    EXPECT_FALSE(OpenNamed("/dev/zero", flags).ok());
  }
  EXPECT_EQ(Opened("d/none", O_RDONLY), ": No such file or directory");
  EXPECT_EQ(Opened("d/none", O_WRONLY | O_CREAT), "opened");
  EXPECT_EQ(Opened("d/fifo", O_WRONLY | O_CREAT | O_EXCL), ": File exists");
  EXPECT_FALSE(Exists(At("d/new")));
}

TEST_F(NamedFileTest, APipeWithSomebodyAtItsOtherEndIsNoFileEither) {
  const UniqueFd both(::open(At("d/fifo").c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_EQ(Opened("d/fifo", O_RDONLY), ": is no regular file");
  EXPECT_EQ(Opened("d/fifo", O_WRONLY), ": is no regular file");
}

TEST_F(NamedFileTest, KnowsTheDescriptorsOfItsCaller) {
  EXPECT_EQ(GivenDescriptor("/dev/stdin"), 0);
  EXPECT_EQ(GivenDescriptor("/dev/stderr"), 2);
  EXPECT_EQ(GivenDescriptor("/dev/fd/63"), 63);
  EXPECT_EQ(GivenDescriptor("/proc/self/fd/7"), 7);
  for (const char* other : {"/dev/fd/", "/dev/fd/x", "/dev/fd/-1", "/dev/fd/99999999999", "/dev/null", "stdin", ""})
    EXPECT_EQ(GivenDescriptor(other), std::nullopt) << other;
}

TEST_F(NamedFileTest, ReadsWhatAPipeOfTheCallerGives) {
  Pipe pipe = MakePipe().value();
  const std::string path = "/dev/fd/" + std::to_string(pipe.read.get());
  ASSERT_TRUE(WriteAll(pipe.write.get(), "{}").ok());
  EXPECT_FALSE(OpenNamed(path, O_WRONLY).ok());
  pipe.write.Reset();
  EXPECT_EQ(ReadNamed(loop_, path, 10).value(), "{}");
  EXPECT_EQ(ReadNamed(loop_, At("d/file"), 10).value(), "text");
  EXPECT_FALSE(ReadNamed(loop_, At("d/file"), 3).ok());
}

TEST_F(NamedFileTest, AnInterruptEndsTheWaitForAPipe) {
  const Pipe pipe = MakePipe().value();
  loop_.At(Clock::now(), [&] { loop_.Interrupt(15); });
  const auto read = ReadNamed(loop_, "/dev/fd/" + std::to_string(pipe.read.get()), 10);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind, ErrorKind::kCancelled);
}

TEST_F(NamedFileTest, WritesUntilNobodyTakesIt) {
  const Pipe pipe = MakePipe().value();
  EXPECT_TRUE(WritePatiently(pipe.write.get(), std::string(10'000, 'x')).ok());
  EXPECT_FALSE(WritePatiently(pipe.write.get(), std::string(1 << 20, 'x')).ok());
}

}  // namespace
}  // namespace rune
