#include "agent/providers/access.h"

#include <cstdlib>

#include "agent/http/url.h"

namespace rune::agent {
namespace {

std::string_view KeyHeader(const Endpoint& endpoint, Wire wire) {
  switch (wire) {
    case Wire::kOpenAiChat:
    case Wire::kOpenAiResponses:
      return "Authorization: Bearer ";
    case Wire::kAnthropicMessages:
      return endpoint.provider == "openrouter" ? "Authorization: Bearer " : "x-api-key: ";
    case Wire::kGeminiNative:
      return "x-goog-api-key: ";
  }
  std::abort();
}

std::string_view ModelsPath(Wire wire) {
  switch (wire) {
    case Wire::kOpenAiChat:
    case Wire::kOpenAiResponses:
      return "/models";
    case Wire::kAnthropicMessages:
      return "/models?limit=1000";  // the most there is
    case Wire::kGeminiNative:
      return "/models?pageSize=1000";
  }
  std::abort();
}

}  // namespace

HttpTimeouts TimeoutsOf(const Deadlines& deadlines) {
  HttpTimeouts timeouts{.connect = deadlines.connect, .idle = deadlines.idle};
  if (deadlines.first_byte) timeouts.first_byte = *deadlines.first_byte;
  return timeouts;
}

std::optional<Failure> KeyAccess::Open(const GrantRequest&, Caps& caps, Grant& grant) {
  grant.base_url = endpoint_.base_url;
  grant.models_url = JoinUrl(endpoint_.base_url, ModelsPath(caps.wire));
  grant.headers.clear();
  if (!key_.empty()) grant.headers.push_back(std::string(KeyHeader(endpoint_, caps.wire)) + key_);
  return std::nullopt;
}

}  // namespace rune::agent
