/// What is entered cannot be left, so that each test is a child, and the process that it becomes a grandchild.
#include "sandbox/layers/namespaces.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/base/files.h"
#include "sandbox/base/unique_fd.h"
#include "tests/unit/layers/in_child.h"

namespace rune::sandbox {
namespace {

int OwnMounts() {
  if (const int err = ErrnoOf(::unshare(CLONE_NEWNS))) return err;
  return ErrnoOf(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr));
}

class NamespacesTest : public testing::Test {
 protected:
  void SetUp() override {
    const int can = InChild([] { return OwnMounts() == 0 && WhyNoOwnPids().empty() ? 0 : 1; });
    if (can != 0) GTEST_SKIP() << "no process ids of one's own can be had here";
  }
};

TEST_F(NamespacesTest, GoesOnAsTheFirstProcessWithAProcThatShowsNobodyElse) {
  const std::string outside = "/proc/" + std::to_string(::getpid()) + "/status";
  EXPECT_TRUE(Exists(outside));
  EXPECT_EQ(InChild([&] {
              if (OwnMounts() != 0 || !EnterOwnPids({}).ok()) return 1;
              if (::getpid() != 1) return 2;
              return Exists("/proc/1/status") && !Exists(outside) ? 77 : 3;
            }),
            77)
      << "and who stayed behind ends with the same";
}

TEST_F(NamespacesTest, NothingOutlivesTheOneThatStayedBehind) {
  Pipe alive = std::move(MakePipe()).value();
  char byte = 0;
  const pid_t child = ::fork();
  if (child == 0) {
    if (OwnMounts() != 0) ::_exit(1);
    const auto placeholder = EnterOwnPids({});
    if (!placeholder.ok()) ::_exit(1);
    // Two generations, in sessions of their own: no parent is left to look after them.
    for (int i = 0; i < 2; ++i) {
      if (::fork() != 0) continue;
      ::setsid();
    }
    [[maybe_unused]] const ssize_t said = ::write(alive.write.get(), "x", 1);
    if (::getpid() == 1) ::_exit(::read(placeholder->get(), &byte, 1) == 0 ? 0 : 1);
    while (true) ::pause();
  }
  alive.write.Reset();
  for (int i = 0; i < 4; ++i) ASSERT_EQ(::read(alive.read.get(), &byte, 1), 1);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  EXPECT_EQ(::read(alive.read.get(), &byte, 1), 0) << "the last of them has ended, and the pipe with it";
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace rune::sandbox
