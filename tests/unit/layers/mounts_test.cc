#include "sandbox/layers/mounts.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "sandbox/base/files.h"
#include "tests/unit/layers/in_child.h"

namespace rune::sandbox {
namespace {

int CreateFile(const std::string& path) { return ErrnoOf(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }

class MountsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(MakeDirs(At("private")).ok());
    ASSERT_TRUE(MakeDirs(At("work")).ok());
    ASSERT_TRUE(MakeDirs(At("inputs")).ok());
    ASSERT_TRUE(WriteFileAtomic(At("work/file"), "w").ok());
    ASSERT_TRUE(WriteFileAtomic(At("inputs/file"), "i").ok());
    ASSERT_TRUE(WriteFileAtomic(At("other"), "o").ok());
    const int can = InChild([this] { return EnterMounts({At("private"), {}, {}, {}}).ok() ? 0 : 1; });
    if (can != 0)
      GTEST_SKIP() << "no mount namespace can be had here: "
                   << EnterMounts({At("private"), {}, {}, {}}).error().message;
  }
  std::string At(const std::string& name) const { return dir_.path() + "/" + name; }
  TempDir dir_ = std::move(TempDir::Create("/tmp", "private-tmp-test-")).value();
};

TEST_F(MountsTest, HidesWhatOthersHaveInTmp) {
  EXPECT_TRUE(Exists(At("other")));
  EXPECT_EQ(InChild([this] {
              if (!EnterMounts({At("private"), {}, {}, {}}).ok()) return 1;
              if (Exists(At("other")) || Exists(dir_.path())) return 2;
              return CreateFile("/tmp/mine");
            }),
            0);
  EXPECT_TRUE(Exists(At("private/mine")));
  EXPECT_FALSE(Exists("/tmp/mine"));
}

TEST_F(MountsTest, KeepsWhatItWasToldToKeep) {
  EXPECT_EQ(
      InChild([this] {
        if (!EnterMounts({At("private"), {At("work"), At("other"), "/etc", "/tmp/none"}, {At("inputs")}, {}}).ok())
          return 1;
        if (!Exists(At("work/file")) || !Exists(At("inputs/file")) || !Exists(At("other"))) return 2;
        return CreateFile(At("work/new"));
      }),
      0);
  EXPECT_TRUE(Exists(At("work/new")));
}

TEST_F(MountsTest, KeepsAReadOnlyPathReadOnly) {
  EXPECT_EQ(InChild([this] { return CreateFile(At("inputs/free")); }), 0);
  EXPECT_EQ(InChild([this] {
              if (!EnterMounts({At("private"), {At("work")}, {At("inputs")}, {}}).ok()) return 1;
              return CreateFile(At("inputs/held"));
            }),
            EROFS);
}

TEST_F(MountsTest, IsMountedWithoutPrograms) {
  EXPECT_EQ(InChild([this] {
              if (!EnterMounts({At("private"), {}, {}, {}}).ok()) return 1;
              struct statvfs info{};
              if (::statvfs("/tmp", &info) != 0) return 2;
              constexpr unsigned long kFlags = ST_NOSUID | ST_NODEV | ST_NOEXEC;
              return (info.f_flag & kFlags) == kFlags ? 0 : 3;
            }),
            0);
}

TEST_F(MountsTest, GivesTheRunAnEmptySharedMemory) {
  struct stat before{};
  if (::stat("/dev/shm", &before) != 0) GTEST_SKIP() << "this system has no /dev/shm";
  EXPECT_EQ(InChild([&] {
              struct stat now{};
              if (!EnterMounts({At("private"), {}, {}, {}}).ok() || ::stat("/dev/shm", &now) != 0) return 1;
              return now.st_dev != before.st_dev && (now.st_mode & 07777) == 01777 ? 0 : 2;
            }),
            0);
}

TEST_F(MountsTest, ChangesNothingWhenItFails) {
  const auto mounts = [] { return ReadFile("/proc/self/mountinfo").value(); };
  EXPECT_EQ(InChild([&] {
              const std::string before = mounts();
              const auto entered = EnterMounts({"/no/such/dir", {}, {}, {}});
              if (entered.ok() || entered.error().kind != ErrorKind::kUnavailable) return 1;
              return mounts() == before && Exists(At("other")) ? 0 : 2;
            }),
            0);
}

TEST_F(MountsTest, WorksForAnOrdinaryUserThroughAUserNamespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "the other tests of this file already run as an ordinary user";
  ASSERT_EQ(::chmod(dir_.path().c_str(), 0755), 0);
  ASSERT_EQ(::chown(At("private").c_str(), 4711, 4711), 0);
  const auto become = [] { return ::setresgid(4711, 4711, 4711) == 0 && ::setresuid(4711, 4711, 4711) == 0; };
  if (InChild([&] { return become() ? ErrnoOf(::unshare(CLONE_NEWUSER)) : 1; }) != 0) {
    GTEST_SKIP() << "ordinary users get no user namespace here";
  }
  EXPECT_EQ(InChild([&] {
              // Own /proc files belong to root until the process may be dumped again.
              if (!become() || ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return 1;
              if (const auto entered = EnterMounts({At("private"), {At("inputs")}, {}, {}}); !entered.ok()) return 2;
              if (::geteuid() != 4711 || ::getegid() != 4711 || Exists(At("other")) || !Exists(At("inputs/file")))
                return 3;
              return CreateFile("/tmp/mine");
            }),
            0);
}

TEST_F(MountsTest, APinCanNeitherBeMovedNorReplacedAndAReadOnlyOneNotBeWritten) {
  ASSERT_TRUE(MakeDirs(At("work/repo/hooks")).ok());
  const auto move = [this](const char* name) { return ErrnoOf(::rename(At(name).c_str(), At("work/moved").c_str())); };
  EXPECT_EQ(InChild([&] { return move("work/repo"); }), 0) << "the control: without a pin it goes";
  ASSERT_EQ(::rename(At("work/moved").c_str(), At("work/repo").c_str()), 0);
  EXPECT_EQ(InChild([&] {
              const auto mounts = EnterMounts({At("private"),
                                               {At("work")},
                                               {},
                                               {{At("work/repo"), Pin::Access::kAsItIs},
                                                {At("work/repo/hooks"), Pin::Access::kReadOnly},
                                                {At("work/none"), Pin::Access::kReadOnly}}});
              if (!mounts.ok() || mounts->pinned != std::vector{At("work/repo"), At("work/repo/hooks")}) return 1;
              if (CreateFile(At("work/repo/file")) != 0) return 2;
              if (CreateFile(At("work/repo/hooks/file")) != EROFS) return 3;
              return move("work/repo");
            }),
            EBUSY);
  EXPECT_TRUE(Exists(At("work/repo/file")));
}

TEST_F(MountsTest, GivesTheRunTerminalsOfItsOwn) {
  const UniqueFd others(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!others.valid() || ::unlockpt(others.get()) != 0) GTEST_SKIP() << "this system gives out no terminals";
  char name[64];
  ASSERT_EQ(::ptsname_r(others.get(), name, sizeof name), 0);
  EXPECT_TRUE(Exists(name));
  EXPECT_EQ(InChild([&] {
              const auto mounts = EnterMounts({At("private"), {}, {}, {}});
              if (!mounts.ok() || !mounts->terminals) return 1;
              if (Exists(name)) return 2;
              const UniqueFd own(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
              return own.valid() && Exists("/dev/pts/0") ? 0 : 3;
            }),
            0);
}

TEST_F(MountsTest, TheRunSeesNoSharedMemorySegmentsOfOthers) {
  const int segment = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  ASSERT_GE(segment, 0);
  shmid_ds info{};
  EXPECT_EQ(InChild([&] { return ErrnoOf(::shmctl(segment, IPC_STAT, &info)); }), 0);
  EXPECT_EQ(InChild([&] {
              const auto mounts = EnterMounts({At("private"), {}, {}, {}});
              return mounts.ok() && mounts->ipc ? ErrnoOf(::shmctl(segment, IPC_STAT, &info)) : -1;
            }),
            EINVAL);
  ::shmctl(segment, IPC_RMID, nullptr);
}

}  // namespace
}  // namespace rune::sandbox
