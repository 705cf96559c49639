#pragma once
/// URLs and the names they may lead to. Strict: what two programs could read differently is refused, so that the host
/// which was checked is the host that is contacted (RFC 3986, and the traps of the WHATWG URL standard). Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"
#include "sandbox/domain_allowlist.h"

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

/// Whether an entry names the URL's host with its port. An address is only found by an entry for addresses, never by
/// "*".
bool IsListed(const sandbox::DomainAllowlist& rules, const Url& url);
/// Where clouds keep what a machine may know and may do, by name or by address.
bool IsMetadataHost(std::string_view host);
/// "name:443", "1.2.3.4:443", "[::1]:443": the URL's host and port as an entry.
std::string HostAndPort(const Url& url);

}  // namespace rune::agent
