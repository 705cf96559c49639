#pragma once
/// The URLs of servers, taken apart for messages and for decisions about them (RFC 3986). Pure.

#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace rune::agent {

struct UrlParts {
  std::string scheme;  ///< Lower case; empty: no URL with an authority.
  std::string host;    ///< Lower case; an IPv6 address with its brackets.
  std::string port;    ///< Empty: the scheme's own.
  std::string path;    ///< With the query; empty or begins with "/".

  std::string Authority() const { return port.empty() ? host : host + ":" + port; }
  /// Without a path, and without what stood before the host: credentials are not for messages.
  std::string Origin() const { return scheme + "://" + Authority(); }
};
UrlParts SplitUrl(std::string_view url);

/// localhost, 127.0.0.0/8 and ::1: this machine, whatever a resolver says.
bool IsLoopback(const UrlParts& url);
/// The host is `domain` or below it.
bool IsUnder(std::string_view host, std::string_view domain);
/// An address that requests go to: http or https, with a host; without blanks around and slashes at the end.
/// kInvalidInput that names `setting`.
Result<std::string> ReadBaseUrl(std::string_view text, const std::string& setting);
/// Exactly one slash in between, whatever the two have.
std::string JoinUrl(std::string_view base, std::string_view path);

}  // namespace rune::agent
