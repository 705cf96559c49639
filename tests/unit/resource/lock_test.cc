#include "resource/lock.h"

#include <gtest/gtest.h>
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

}  // namespace
}  // namespace rune::resource
