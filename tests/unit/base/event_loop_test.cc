#include "sandbox/base/event_loop.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <string>

#include "sandbox/base/unique_fd.h"

namespace rune {
namespace {

TEST(EventLoopTest, CallsBackWhenADescriptorIsReadable) {
  EventLoop loop;
  auto pipe = MakePipe();
  ASSERT_TRUE(pipe.ok());
  ASSERT_EQ(::write(pipe->write.get(), "x", 1), 1);
  bool called = false;
  loop.Watch(pipe->read.get(), POLLIN, [&](short) { called = true; });
  EXPECT_EQ(loop.RunUntil([&] { return called; }, Clock::now() + Milliseconds(5000)), EventLoop::Wake::kDone);
}

TEST(EventLoopTest, ACallbackMayUnwatchItselfAndOthers) {
  EventLoop loop;
  auto first = MakePipe();
  auto second = MakePipe();
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_EQ(::write(first->write.get(), "x", 1) + ::write(second->write.get(), "x", 1), 2);
  int calls = 0;
  const auto once = [&](short) {
    ++calls;
    loop.Unwatch(first->read.get());
    loop.Unwatch(second->read.get());
  };
  loop.Watch(first->read.get(), POLLIN, once);
  loop.Watch(second->read.get(), POLLIN, once);
  EXPECT_EQ(loop.RunUntil([] { return false; }, Clock::now() + Milliseconds(20)), EventLoop::Wake::kDeadline);
  EXPECT_EQ(calls, 1);
}

TEST(EventLoopTest, TimersFireInOrderAndCanBeCancelled) {
  EventLoop loop;
  std::string order;
  const TimePoint now = Clock::now();
  loop.At(now + Milliseconds(2), [&] { order += 'b'; });
  loop.At(now + Milliseconds(1), [&] { order += 'a'; });
  loop.CancelTimer(loop.At(now + Milliseconds(1), [&] { order += 'x'; }));
  loop.RunUntil([&] { return order.size() == 2; }, now + Milliseconds(5000));
  EXPECT_EQ(order, "ab");
}

TEST(EventLoopTest, AnInterruptionIsStickyUntilCleared) {
  EventLoop loop;
  const SignalWatch signals(loop);
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(loop.RunUntil([] { return false; }, Clock::now() + Milliseconds(5000)), EventLoop::Wake::kInterrupted);
  EXPECT_EQ(loop.interrupted_by(), SIGTERM);
  EXPECT_EQ(loop.RunUntil([] { return false; }), EventLoop::Wake::kInterrupted);
  EXPECT_EQ(loop.Drain([] { return false; }, Clock::now() + Milliseconds(5)), EventLoop::Wake::kDeadline)
      << "shutdown goes on";
  loop.ClearInterrupt();
  EXPECT_EQ(loop.RunUntil([] { return false; }, Clock::now() + Milliseconds(5)), EventLoop::Wake::kDeadline);
}

}  // namespace
}  // namespace rune
