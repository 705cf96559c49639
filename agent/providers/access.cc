#include "agent/providers/access.h"

#include "agent/http/url.h"
#include "agent/wires/codec.h"

namespace rune::agent {
namespace {

/// What the key stands behind: as the wire has it.
std::string_view KeyHeader(const Endpoint& endpoint, Wire wire) {
  return endpoint.provider == "openrouter" ? "Authorization: Bearer " : FormatOf(wire).key_header;
}

}  // namespace

HttpTimeouts TimeoutsOf(const Deadlines& deadlines) {
  HttpTimeouts timeouts{.connect = deadlines.connect, .idle = deadlines.idle};
  if (deadlines.first_byte) timeouts.first_byte = *deadlines.first_byte;
  return timeouts;
}

std::optional<Failure> KeyAccess::Open(const GrantRequest&, Caps& caps, Grant& grant) {
  grant.base_url = endpoint_.base_url;
  grant.models_url = JoinUrl(endpoint_.base_url, FormatOf(caps.wire).models_path);
  grant.headers.clear();
  if (!key_.empty()) grant.headers.push_back(std::string(KeyHeader(endpoint_, caps.wire)) + key_);
  return std::nullopt;
}

}  // namespace rune::agent
