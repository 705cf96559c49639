#pragma once
/// URLs and the names they may lead to. Strict: what two programs could read differently is refused, so that the host
/// which was checked is the host that is contacted (RFC 3986, and the traps of the WHATWG URL standard). Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace rune::agent {

struct Url {
  std::string scheme;  ///< "http" or "https".
  std::string host;    ///< Lower case, without a final dot; an IPv6 address without brackets.
  std::uint16_t port = 0;
  std::string text;  ///< The same URL in the form to use: one spelling of host and port, no fragment.
};

/// kInvalidInput with the reason: other schemes, userinfo, empty or malformed host, backslash, blanks, controls,
/// non-ASCII, percent in the host, IPv4 in any form but four decimal numbers, ports out of range.
Result<Url> ParseUrl(std::string_view text);

/// One entry of allowed_domains: "name", "*.suffix", an address, each with an optional ":port", or "*".
struct DomainPattern {
  enum class Kind : std::uint8_t { kEvery, kExact, kSubdomains };
  Kind kind = Kind::kExact;
  std::vector<std::string> labels;  ///< Lower case, in order; an address is one label.
  std::uint16_t port = 0;           ///< 0: 80 and 443.
};

/// kInvalidInput naming the entry.
Result<DomainPattern> ParseDomainPattern(std::string_view text);
/// "*.github.com" matches api.github.com and a.b.github.com, not github.com.
bool Matches(const DomainPattern& pattern, std::string_view host, std::uint16_t port);

}  // namespace rune::agent
