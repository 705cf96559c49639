#include "sandbox/guard/held_calls.h"

#include <cerrno>
#include <vector>

#include "sandbox/guard/tracee.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxHeld = 256;
/// Nothing tells us of a caller's death or of a signal that it should see, so we look.
constexpr Milliseconds kLookInterval{200};

}  // namespace

HeldCalls::~HeldCalls() { Clear(); }

bool HeldCalls::Keep(const SystemCall& call, Hold hold) {
  if (held_.size() >= kMaxHeld) return false;
  Entry& entry = held_[call.id];
  entry = {call, std::move(hold), 0};
  if (entry.hold.deadline != kNever) {
    entry.timer = loop_.At(entry.hold.deadline, [this, id = call.id] {
      const auto found = held_.find(id);
      if (found == held_.end()) return;
      const Entry late = Remove(found);
      late.hold.dropped();
      calls_.Fail(id, late.hold.late);
    });
  }
  if (look_timer_ == 0) Schedule();
  return true;
}

bool HeldCalls::Take(std::uint64_t id) {
  const auto found = held_.find(id);
  if (found == held_.end()) return false;
  Remove(found);
  return calls_.StillWaits(id);
}

HeldCalls::Entry HeldCalls::Remove(std::map<std::uint64_t, Entry>::iterator at) {
  Entry entry = std::move(at->second);
  held_.erase(at);
  if (entry.timer != 0) loop_.CancelTimer(entry.timer);
  return entry;
}

void HeldCalls::Clear() {
  if (look_timer_ != 0) loop_.CancelTimer(look_timer_);
  look_timer_ = 0;
  while (!held_.empty()) Remove(held_.begin()).hold.dropped();
}

void HeldCalls::Schedule() {
  look_timer_ = loop_.At(Clock::now() + kLookInterval, [this] {
    look_timer_ = 0;
    Look();
    if (!held_.empty() && look_timer_ == 0) Schedule();
  });
}

/// A call that waits killably (seccomp_unotify(2)) does not notice a signal; left alone, an alarm would come only after
/// the answer.
void HeldCalls::Look() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, entry] : held_) ids.push_back(id);
  for (const std::uint64_t id : ids) {
    const auto found = held_.find(id);
    if (found == held_.end()) continue;
    const bool interrupted = Tracee(found->second.call.tid).SignalWaits();
    const bool waits = calls_.StillWaits(id);
    if (waits && !interrupted) continue;
    Remove(found).hold.dropped();
    if (waits) calls_.Fail(id, EINTR);
  }
}

}  // namespace rune::sandbox
