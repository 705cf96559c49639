#pragma once
/// The one poll(2) loop of a process: descriptors, timers and interruption.
/// Single-threaded: every call comes from the thread that runs the loop.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace rune {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Milliseconds = std::chrono::milliseconds;
inline constexpr TimePoint kNever = TimePoint::max();

class EventLoop {
 public:
  using FdCallback = std::function<void(short revents)>;
  using TimerId = std::uint64_t;
  enum class Wake { kDone, kDeadline, kInterrupted };

  /// Calls `callback` when poll(2) reports `events` on `fd` (borrowed). A second call replaces the first.
  void Watch(int fd, short events, FdCallback callback);
  void Unwatch(int fd);

  TimerId At(TimePoint when, std::function<void()> callback);
  void CancelTimer(TimerId id);

  /// Runs callbacks until `done()` holds, the deadline passes or the loop is interrupted.
  /// An interruption is sticky: it ends every later RunUntil at once, until ClearInterrupt().
  Wake RunUntil(const std::function<bool()>& done, TimePoint deadline = kNever);
  /// The same, but keeps going while interrupted: for orderly shutdown, always with a deadline.
  Wake Drain(const std::function<bool()>& done, TimePoint deadline);

  /// Marks the run as interrupted by `signal_number` (the first one wins).
  void Interrupt(int signal_number);
  std::optional<int> interrupted_by() const { return interrupted_by_; }
  void ClearInterrupt() { interrupted_by_.reset(); }

 private:
  struct Watcher {
    short events = 0;
    std::shared_ptr<FdCallback> callback;  // shared: a callback may unwatch itself while it runs
  };
  void RunOnce(TimePoint deadline);
  void RunTimers();

  std::map<int, Watcher> watchers_;
  std::map<std::pair<TimePoint, TimerId>, std::function<void()>> timers_;
  TimerId next_timer_ = 1;
  std::optional<int> interrupted_by_;
};

/// Routes SIGINT, SIGTERM and SIGHUP into `loop.Interrupt` while alive (signalfd(2)), and ignores SIGPIPE.
/// At most one per process.
class SignalWatch {
 public:
  explicit SignalWatch(EventLoop& loop);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  EventLoop& loop_;
  int fd_ = -1;
};

}  // namespace rune
