#pragma once
/// What a failed attempt means, in one line that says what to change, and what may help. Pure: the time comes in from
/// outside.

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "agent/conversation/model.h"
#include "agent/http/client.h"
#include "agent/wires/codec.h"

namespace rune::agent {

/// Whom we talk to, for messages that say what to change.
struct Endpoint {
  std::string provider;  ///< "openai"
  std::string base_url;
  std::string model;
  std::string path = "";  ///< Of the request, behind base_url.
};

/// What may help, besides other settings. A conversation that is too long (kTooLong) can be shortened.
enum class Remedy : std::uint8_t {
  kNone,
  kRetry,    ///< The same again, later.
  kAtOnce,   ///< The same again, now, once: a hiccup most of the time.
  kRenew,    ///< A new token, once.
  kDegrade,  ///< The same without what the server does not understand.
};

struct Failure {
  ModelErrorKind kind = ModelErrorKind::kDown;
  Remedy remedy = Remedy::kNone;
  int max_attempts = std::numeric_limits<int>::max();    ///< Of kRetry, besides the configured ones.
  std::optional<std::chrono::milliseconds> retry_after;  ///< What the server asks for.
  std::string message;                                   ///< One safe, redacted line.
  std::string words;                                     ///< The server's own, of kDegrade. Untrusted.
};

/// The fixed part of a message, then what the server said, if anything: one safe, redacted line.
std::string FailureLine(const std::string& what, const std::string& server_words);

/// A request that got no proper 2xx response: by transport failure or by status.
Failure ClassifyHttp(const HttpOutcome& outcome, const Endpoint& endpoint, std::int64_t unix_now);
/// A 2xx response that holds no answer; with StreamFault::kNone, one that says nothing.
Failure ClassifyFault(const Decoded& decoded, const Endpoint& endpoint);

/// What the headers ask for: retry-after-ms, Retry-After (RFC 9110 section 10.2.3: seconds or a date).
/// Nonsense (negative, NaN, in the past) is as good as nothing; at most a day.
std::optional<std::chrono::milliseconds> RetryAfter(const HttpHeaders& headers, std::int64_t unix_now);

}  // namespace rune::agent
