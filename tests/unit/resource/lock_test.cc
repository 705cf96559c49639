#include "resource/lock.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rune::resource {
namespace {

TEST(CheckLock, IsHeldByOneAtATimeAndReleasedAtTheEnd) {
  EventLoop loop;
  const std::string name = "test-" + std::to_string(::getpid());
  {
    CheckLock first;
    EXPECT_TRUE(first.Acquire(loop, name, Milliseconds(0)));
    CheckLock second;
    EXPECT_FALSE(second.Acquire(loop, name, Milliseconds(0)));
    CheckLock other;
    EXPECT_TRUE(other.Acquire(loop, name + "-other", Milliseconds(0)));
  }
  CheckLock later;
  EXPECT_TRUE(later.Acquire(loop, name, Milliseconds(0)));
  ::unlink(("/tmp/.rune-check-" + std::to_string(::geteuid()) + "-" + name).c_str());
  ::unlink(("/tmp/.rune-check-" + std::to_string(::geteuid()) + "-" + name + "-other").c_str());
}

TEST(CheckLock, WhatIsNoFileInItsPlaceIsNoLockAndNoReasonToWait) {
  const std::string name = "planted-" + std::to_string(::getpid());
  const std::string path = "/tmp/.rune-check-" + std::to_string(::geteuid()) + "-" + name;
  const std::string victim = path + ".victim";
  for (const bool link : {false, true}) {
    ASSERT_EQ(link ? ::symlink(victim.c_str(), path.c_str()) : ::mkfifo(path.c_str(), 0600), 0);
    EventLoop loop;
    CheckLock lock;
    testing::internal::CaptureStderr();
    EXPECT_TRUE(lock.Acquire(loop, name, Milliseconds(60'000)));
    EXPECT_NE(testing::internal::GetCapturedStderr().find(link ? "is a link" : "is no regular file"),
              std::string::npos);
    ::unlink(path.c_str());
  }
  EXPECT_NE(::access(victim.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace rune::resource
