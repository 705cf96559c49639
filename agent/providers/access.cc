#include "agent/providers/access.h"

#include <algorithm>

#include "agent/http/url.h"
#include "agent/providers/provider_table.h"
#include "agent/wires/codec.h"
#include "sandbox/base/characters.h"
#include "sandbox/base/text.h"

namespace rune::agent {
HttpTimeouts TimeoutsOf(const Deadlines& deadlines) {
  HttpTimeouts timeouts{.connect = deadlines.connect, .idle = deadlines.idle};
  if (deadlines.first_byte) timeouts.first_byte = *deadlines.first_byte;
  return timeouts;
}

Result<Secret> ReadKey(std::string_view text, const std::string& setting) {
  Secret key(Trim(text));  // before anything can go wrong and be told
  if (!All(key.Reveal(), IsVisible)) return Error::Invalid(setting + ": holds a blank or a character that no key has");
  return key;
}

std::string KeyLine(std::string_view provider, Wire wire, const Secret& key) {
  const Provider* const known = FindProvider(provider);
  const bool own = known != nullptr && !known->key_header.empty();
  return std::string(own ? known->key_header : FormatOf(wire).key_header).append(key.Reveal());
}

std::optional<Failure> KeyAccess::Open(const GrantRequest&, Caps& caps, Grant& grant) {
  grant.base_url = endpoint_.base_url;
  grant.models_url = JoinUrl(endpoint_.base_url, FormatOf(caps.wire).models_path);
  grant.headers.clear();
  if (!key_.empty()) grant.headers.push_back(KeyLine(endpoint_.provider, caps.wire, key_));
  return std::nullopt;
}

}  // namespace rune::agent
