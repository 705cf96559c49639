#include "sandbox/base/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rune {
namespace {

class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("/tmp", "files-test-");
    ASSERT_TRUE(dir.ok());
    dir_ = std::make_unique<TempDir>(std::move(dir).value());
  }
  std::string At(const std::string& name) const { return dir_->path() + "/" + name; }
  std::unique_ptr<TempDir> dir_;
};

TEST_F(FilesTest, AnAtomicWriteReplacesAndSetsTheMode) {
  ASSERT_TRUE(WriteFileAtomic(At("f"), "one").ok());
  ASSERT_TRUE(WriteFileAtomic(At("f"), "two", {.mode = 0600}).ok());
  EXPECT_EQ(ReadFile(At("f")).value(), "two");
  struct stat info{};
  ASSERT_EQ(::stat(At("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(FilesTest, AFailedAtomicWriteLeavesNothingBehind) {
  const auto result = WriteFileAtomic(At("missing/f"), "x");
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("missing/f"), std::string::npos);
  // A directory cannot be replaced by a file: the temporary file must go.
  ASSERT_TRUE(MakeDirs(At("d")).ok());
  EXPECT_FALSE(WriteFileAtomic(At("d"), "x").ok());
  EXPECT_EQ(::system(("test -z \"$(ls " + dir_->path() + " | grep -v '^d$')\"").c_str()), 0);
}

TEST_F(FilesTest, AnAtomicWriteDoesNotReplaceADeviceOrAPipe) {
  ASSERT_EQ(::mkfifo(At("pipe").c_str(), 0600), 0);
  ASSERT_EQ(::symlink(At("pipe").c_str(), At("link").c_str()), 0);
  const UniqueFd reader(::open(At("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(WriteFileAtomic(At("link"), "through").ok());
  char text[16] = {};
  EXPECT_EQ(::read(reader.get(), text, sizeof text), 7);
  struct stat info{};
  ASSERT_EQ(::lstat(At("link").c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  ASSERT_EQ(::lstat(At("pipe").c_str(), &info), 0);
  EXPECT_TRUE(S_ISFIFO(info.st_mode));
}

TEST_F(FilesTest, ReadingStopsAtTheLimit) {
  ASSERT_TRUE(WriteFileAtomic(At("f"), std::string(100, 'x')).ok());
  EXPECT_TRUE(ReadFile(At("f"), 100).ok());
  EXPECT_EQ(ReadFile(At("f"), 99).error().kind, ErrorKind::kInvalidInput);
}

TEST_F(FilesTest, RemovingATreeDoesNotFollowLinks) {
  ASSERT_TRUE(MakeDirs(At("keep")).ok());
  ASSERT_TRUE(WriteFileAtomic(At("keep/file"), "x").ok());
  ASSERT_TRUE(MakeDirs(At("tree/sub")).ok());
  ASSERT_EQ(::symlink(At("keep").c_str(), At("tree/sub/link").c_str()), 0);
  ASSERT_TRUE(RemoveTree(At("tree")).ok());
  EXPECT_FALSE(Exists(At("tree")));
  EXPECT_TRUE(Exists(At("keep/file")));
  EXPECT_TRUE(RemoveTree(At("tree")).ok()) << "missing is success";
}

/// A chain of `depth` directories, made one after the other: no path names the last.
void MakeDeep(const std::string& top, int depth) {
  ASSERT_TRUE(MakeDirs(top).ok());
  UniqueFd at(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < depth; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0700), 0);
    at.Reset(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(at.valid());
  }
}

TEST_F(FilesTest, RemovesATreeDeeperThanAnyDescriptorLimitHoweverLongItTakes) {
  ASSERT_NO_FATAL_FAILURE(MakeDeep(At("deep"), 13'000));
  ASSERT_TRUE(RemoveTree(At("deep")).ok());
  EXPECT_FALSE(Exists(At("deep")));
}

TEST_F(FilesTest, RemovesManyFilesWhateverTheyAreCalled) {
  ASSERT_TRUE(MakeDirs(At("tree/wide")).ok());
  const UniqueFd wide(::open(At("tree/wide").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(::mknodat(wide.get(), std::to_string(i).c_str(), S_IFREG | 0600, 0), 0);
  // The names that directories are moved to are taken already, by one that is not empty.
  ASSERT_TRUE(MakeDirs(At("tree/.removing-1/full")).ok() && MakeDirs(At("tree/.removing-2/full")).ok());
  ASSERT_TRUE(MakeDirs(At("tree/wide/a/b")).ok() && MakeDirs(At("tree/wide/c/d")).ok());
  ASSERT_TRUE(RemoveTree(At("tree")).ok());
  EXPECT_FALSE(Exists(At("tree")));
}

TEST_F(FilesTest, WhoMayNotWaitLeavesTheRestToTheBackground) {
  ASSERT_NO_FATAL_FAILURE(MakeDeep(At("deep"), 50));
  // Its end is the end of the one that was left behind, which holds nothing else of ours.
  Pipe pipe = std::move(MakePipe()).value();
  int subreaper = 0;
  ASSERT_EQ(::prctl(PR_GET_CHILD_SUBREAPER, &subreaper), 0);
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  RemoveTreeBy(std::chrono::steady_clock::time_point::min(), At("deep"));
  pipe.write.Reset();
  char byte = 0;
  EXPECT_EQ(::read(pipe.read.get(), &byte, 1), 0) << "no descriptor is held open by it";
  int status = -1;
  EXPECT_GT(::wait(&status), 0);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(Exists(At("deep")));
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, subreaper), 0);
}

TEST_F(FilesTest, RemovesWhatWasClosedAgainstItsOwner) {
  ASSERT_TRUE(MakeDirs(At("tree/closed/inner")).ok());
  ASSERT_TRUE(WriteFileAtomic(At("tree/closed/inner/file"), "x").ok());
  ASSERT_EQ(::chmod(At("tree/closed/inner").c_str(), 0), 0);
  ASSERT_EQ(::chmod(At("tree/closed").c_str(), 0), 0);
  EXPECT_TRUE(RemoveTree(At("tree")).ok());
  EXPECT_FALSE(Exists(At("tree")));
}

TEST_F(FilesTest, DoesNotEnterWhatIsMountedInTheTree) {
  ASSERT_TRUE(MakeDirs(At("source")).ok() && MakeDirs(At("tree/mounted")).ok());
  ASSERT_TRUE(WriteFileAtomic(At("source/precious"), "x").ok());
  const pid_t child = ::fork();
  if (child == 0) {
    // In a mount namespace of its own, so that nothing of this is seen outside.
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(At("source").c_str(), At("tree/mounted").c_str(), nullptr, MS_BIND, nullptr) != 0) {
      ::_exit(2);
    }
    const bool removed = RemoveTree(At("tree")).ok();
    ::_exit(removed || !Exists(At("tree/mounted/precious")) ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no mount can be made here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(Exists(At("source/precious")));
  EXPECT_TRUE(RemoveTree(At("tree")).ok()) << "the control: without the mount it goes";
}

}  // namespace
}  // namespace rune
