#pragma once
/// System calls that wait for something else than us: a server, a datagram. They end with an answer, by their own time
/// limit, by a signal that the caller handles, or with the caller's death.

#include <cstdint>
#include <functional>
#include <map>

#include "sandbox/base/event_loop.h"
#include "sandbox/guard/notifications.h"

namespace rune::sandbox {

class HeldCalls {
 public:
  struct Hold {
    TimePoint deadline = kNever;
    int late = 0;                   ///< errno once the deadline has passed.
    std::function<void()> dropped;  ///< Called when the call ends in any other way than Take(): undo what was begun.
  };

  /// Both outlive this.
  HeldCalls(EventLoop& loop, Notifications& calls) : loop_(loop), calls_(calls) {}
  ~HeldCalls();
  HeldCalls(const HeldCalls&) = delete;
  HeldCalls& operator=(const HeldCalls&) = delete;

  /// False when 256 calls are held already: answer at once.
  bool Keep(const SystemCall& call, Hold hold);
  /// The answer is there. False when the call is not held any more, or its caller is gone: then nobody wants the
  /// answer.
  bool Take(std::uint64_t id);
  /// Drops all.
  void Clear();

 private:
  struct Entry {
    SystemCall call;
    Hold hold;
    EventLoop::TimerId timer = 0;
  };
  Entry Remove(std::map<std::uint64_t, Entry>::iterator at);
  void Look();
  void Schedule();

  EventLoop& loop_;
  Notifications& calls_;
  std::map<std::uint64_t, Entry> held_;
  EventLoop::TimerId look_timer_ = 0;
};

}  // namespace rune::sandbox
