#include "agent/providers/retry.h"

#include <algorithm>
#include <cstdlib>

namespace rune::agent {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLongestDelay{30'000};

Decision AskLater(const RetryConfig& config, const RetryState& state, const Failure& failure, double random) {
  if (state.attempts >= std::min(config.attempts, failure.max_attempts)) return {};
  milliseconds ceiling = std::min(config.base, kLongestDelay);
  for (int i = 1; i < state.attempts && ceiling < kLongestDelay; ++i) ceiling = std::min(ceiling * 2, kLongestDelay);
  milliseconds delay(static_cast<std::int64_t>(static_cast<double>(ceiling.count()) * random));
  if (failure.retry_after && failure.retry_after->count() > 0) delay = *failure.retry_after;
  // Better to say now how long the server wants to be left alone than to be silent for that long.
  if (state.waited + delay > config.total_wait) return {};
  return {Next::kAskAgain, delay};
}

}  // namespace

Decision Decide(const RetryConfig& config, const RetryState& state, const Failure& failure, double random) {
  if (state.delivered) return {};
  switch (failure.remedy) {
    case Remedy::kRetry:
      return AskLater(config, state, failure, random);
    case Remedy::kAtOnce:
      return {state.asked_at_once ? Next::kGiveUp : Next::kAskAgain};
    case Remedy::kRenew:
      return {state.renewed ? Next::kGiveUp : Next::kRenew};
    case Remedy::kDegrade:
      return {Next::kDegrade};
    case Remedy::kNone:
      return {};
  }
  std::abort();
}

}  // namespace rune::agent
