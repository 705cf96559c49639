#pragma once
/// The one policy of what comes after a failed attempt. Pure: time and chance come in from outside.

#include <chrono>
#include <cstdint>

#include "agent/config/config.h"
#include "agent/providers/failure.h"

namespace rune::agent {

struct RetryState {
  int attempts = 1;                     ///< Made so far, those that asked for the same thing.
  std::chrono::milliseconds waited{0};  ///< So far, in all.
  bool delivered = false;  ///< Text has reached the caller. It cannot be taken back, and must not come twice.
  bool asked_at_once = false;
  bool renewed = false;
};

enum class Next : std::uint8_t {
  kGiveUp,
  kAskAgain,  ///< After `delay`.
  kRenew,     ///< With a new token, then ask again.
  kDegrade,   ///< Without what the server refused, if that is known, then ask again.
};

struct Decision {
  Next next = Next::kGiveUp;
  std::chrono::milliseconds delay{0};
};

/// `random` is uniform in [0, 1). Without word from the server the delay is a random part ("full jitter") of
/// base * 2^(attempts - 1), at most 30 s.
Decision Decide(const RetryConfig& config, const RetryState& state, const Failure& failure, double random);

}  // namespace rune::agent
