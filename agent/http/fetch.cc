#include "agent/http/fetch.h"

#include <optional>
#include <utility>

namespace rune::agent {

Fetched Fetch(EventLoop& loop, HttpClient& http, HttpRequest request, TimePoint deadline, std::size_t max_bytes) {
  Fetched fetched;
  std::optional<HttpOutcome> outcome;
  bool too_large = false;
  const auto id = http.Start(std::move(request), {.on_headers = {},
                                                  .on_body =
                                                      [&](std::string_view bytes) {
                                                        too_large |= fetched.body.size() + bytes.size() > max_bytes;
                                                        if (!too_large) fetched.body += bytes;
                                                      },
                                                  .on_done = [&](const HttpOutcome& done) { outcome = done; }});
  fetched.wake = loop.RunUntil([&] { return outcome.has_value() || too_large; }, deadline);
  http.Cancel(id);
  if (too_large) outcome = HttpOutcome{.failure = HttpFailure::kOther, .detail = "its answer is too large"};
  if (outcome) fetched.outcome = std::move(*outcome);
  return fetched;
}

}  // namespace rune::agent
