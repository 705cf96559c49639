#include "agent/providers/retry.h"

#include <gtest/gtest.h>

#include <vector>

namespace rune::agent {
namespace {

using std::chrono::milliseconds;

const RetryConfig kConfig{.attempts = 4, .base = milliseconds(500), .total_wait = milliseconds(60'000)};
const Failure kRetryable{.kind = ModelErrorKind::kDown, .remedy = Remedy::kRetry};

struct Row {
  const char* what;
  RetryState state;
  Failure failure;
  Next next;
  milliseconds delay;
};

const std::vector<Row> kRows{
    {"a hiccup of the server is waited out", {}, kRetryable, Next::kAskAgain, milliseconds(250)},
    {"the wait doubles", {.attempts = 2}, kRetryable, Next::kAskAgain, milliseconds(500)},
    {"and doubles again", {.attempts = 3}, kRetryable, Next::kAskAgain, milliseconds(1000)},
    {"the last attempt is the last", {.attempts = 4}, kRetryable, Next::kGiveUp, {}},
    {"a failure may have fewer attempts",
     {.attempts = 2},
     {.remedy = Remedy::kRetry, .max_attempts = 2},
     Next::kGiveUp,
     {}},
    {"the server's word counts",
     {},
     {.remedy = Remedy::kRetry, .retry_after = milliseconds(7000)},
     Next::kAskAgain,
     milliseconds(7000)},
    {"a word that is no wait does not",
     {},
     {.remedy = Remedy::kRetry, .retry_after = milliseconds(0)},
     Next::kAskAgain,
     milliseconds(250)},
    {"who is asked to wait too long is told so",
     {},
     {.remedy = Remedy::kRetry, .retry_after = milliseconds(60'001)},
     Next::kGiveUp,
     {}},
    {"the waits add up",
     {.attempts = 2, .waited = milliseconds(55'000)},
     {.remedy = Remedy::kRetry, .retry_after = milliseconds(7000)},
     Next::kGiveUp,
     {}},
    {"text that was shown must not come twice", {.delivered = true}, kRetryable, Next::kGiveUp, {}},
    {"an empty answer is asked for again at once", {.attempts = 4}, {.remedy = Remedy::kAtOnce}, Next::kAskAgain, {}},
    {"but once", {.asked_at_once = true}, {.remedy = Remedy::kAtOnce}, Next::kGiveUp, {}},
    {"a refused token is renewed",
     {.attempts = 4},
     {.kind = ModelErrorKind::kAuth, .remedy = Remedy::kRenew},
     Next::kRenew,
     {}},
    {"but once", {.renewed = true}, {.kind = ModelErrorKind::kAuth, .remedy = Remedy::kRenew}, Next::kGiveUp, {}},
    {"not after text was shown",
     {.delivered = true},
     {.kind = ModelErrorKind::kAuth, .remedy = Remedy::kRenew},
     Next::kGiveUp,
     {}},
    {"what the server does not know is left out",
     {},
     {.kind = ModelErrorKind::kBadRequest, .remedy = Remedy::kDegrade},
     Next::kDegrade,
     {}},
    {"room for the answer is made before the conversation is cut",
     {},
     {.kind = ModelErrorKind::kTooLong, .remedy = Remedy::kDegrade},
     Next::kDegrade,
     {}},
    {"what is too long is made shorter by the caller", {}, {.kind = ModelErrorKind::kTooLong}, Next::kGiveUp, {}},
    {"everything else is final", {}, {.kind = ModelErrorKind::kBadRequest}, Next::kGiveUp, {}},
};

TEST(Decide, EveryFailureHasItsRemedy) {
  for (const Row& row : kRows) {
    const Decision decision = Decide(kConfig, row.state, row.failure, 0.5);
    EXPECT_EQ(decision.next, row.next) << row.what;
    EXPECT_EQ(decision.delay, row.delay) << row.what;
  }
}

TEST(Decide, TheDelayIsJitteredFully) {
  EXPECT_EQ(Decide(kConfig, {}, kRetryable, 0.0).delay, milliseconds(0));
  EXPECT_EQ(Decide(kConfig, {}, kRetryable, 0.9).delay, milliseconds(450));
}

TEST(Decide, TheDelayNeverGrowsBeyondHalfAMinute) {
  const RetryConfig config{.attempts = 2000, .total_wait = milliseconds(1'000'000)};
  EXPECT_LE(Decide(config, {.attempts = 1999}, kRetryable, 0.999).delay.count(), 30'000);
}

}  // namespace
}  // namespace rune::agent
