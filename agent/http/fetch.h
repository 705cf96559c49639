#pragma once
/// A whole request and its whole answer, for small documents: tokens, lists of models.

#include <string>

#include "agent/http/client.h"
#include "sandbox/base/event_loop.h"

namespace rune::agent {

struct Fetched {
  EventLoop::Wake wake = EventLoop::Wake::kDone;  ///< kDone: `outcome` counts.
  HttpOutcome outcome;
  std::string body;  ///< Of a status 200..299. Untrusted.
  bool ok() const {
    return wake == EventLoop::Wake::kDone && outcome.failure == HttpFailure::kNone && outcome.status >= 200 &&
           outcome.status < 300;
  }
};

inline constexpr std::size_t kMaxFetched = 8u << 20;

/// Runs the loop until the answer is complete, `deadline` passes or the loop is interrupted; the connection is closed
/// in the last two cases. A body above `max_bytes` is HttpFailure::kOther.
Fetched Fetch(EventLoop& loop, HttpClient& http, HttpRequest request, TimePoint deadline,
              std::size_t max_bytes = kMaxFetched);

}  // namespace rune::agent
