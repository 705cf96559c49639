#pragma once
/// What a failed attempt means, whether to try again, and when. Pure: time and chance come in from outside.

#include <chrono>
#include <limits>
#include <optional>
#include <string>

#include "agent/config/config.h"
#include "agent/http/client.h"
#include "agent/providers/codec.h"
#include "agent/providers/model_client.h"

namespace rune::agent {

/// Whom we talk to, for messages that say what to change.
struct Endpoint {
  std::string provider;  ///< "openai"
  std::string base_url;
  std::string model;
};

struct Failure {
  ModelErrorKind kind = ModelErrorKind::kDown;
  bool retryable = false;
  int max_attempts = std::numeric_limits<int>::max();    ///< For this kind of failure, besides the configured ones.
  std::optional<std::chrono::milliseconds> retry_after;  ///< What the server asks for.
  std::string message;                                   ///< One safe, redacted line.
};

/// A request that got no proper 2xx response: by transport failure or by status.
Failure ClassifyHttp(const HttpOutcome& outcome, const Endpoint& endpoint, std::int64_t unix_now);
/// A 2xx response that holds no answer.
Failure ClassifyFault(const Decoded& decoded, const Endpoint& endpoint);

/// What the headers ask for: x-should-retry, retry-after-ms, Retry-After (RFC 9110 section 10.2.3: seconds or a date).
/// Nonsense (negative, NaN, in the past) is as good as nothing; at most a day.
std::optional<std::chrono::milliseconds> RetryAfter(const HttpHeaders& headers, std::int64_t unix_now);

struct RetryState {
  int attempts = 1;                     ///< Made so far.
  std::chrono::milliseconds waited{0};  ///< So far, in all.
};
/// How long to wait before the next attempt; nullopt: give up. `random` is uniform in [0, 1).
/// Without word from the server: a random part ("full jitter") of base * 2^(attempts - 1), at most 30 s.
std::optional<std::chrono::milliseconds> NextDelay(const RetryConfig& config, const RetryState& state,
                                                   const Failure& failure, double random);

}  // namespace rune::agent
