#include "agent/policy/domain.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using std::string_view;

constexpr std::size_t kMaxUrl = 4096;
constexpr std::size_t kMaxName = 253;  // RFC 1035, 2.3.4
constexpr std::size_t kMaxLabel = 63;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLabelChar(char c) { return (c >= 'a' && c <= 'z') || IsDigit(c) || c == '-' || c == '_'; }

std::optional<std::uint16_t> ParsePort(string_view text) {
  if (text.empty() || text[0] == '0' || !std::all_of(text.begin(), text.end(), IsDigit)) return std::nullopt;
  const auto value = ParseInt(text);
  if (!value || *value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

/// One spelling of an IPv6 address; empty when it is none. Zone identifiers are refused.
std::string CanonicalIpv6(string_view text) {
  in6_addr address{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1) return {};
  return inet_ntop(AF_INET6, &address, out.data(), out.size()) == nullptr ? std::string() : std::string(out.data());
}

/// The labels of a host name or IPv4 address (already lower case).
Result<std::vector<std::string>> ParseLabels(string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return Error::Invalid("no host");
  if (host.size() > kMaxName) return Error::Invalid("a host name of more than 253 characters");
  std::vector<std::string> labels;
  for (const string_view label : Split(host, '.')) {
    if (label.empty() || label.size() > kMaxLabel) return Error::Invalid("an empty or overlong part in the host name");
    if (!std::all_of(label.begin(), label.end(), IsLabelChar)) {
      return Error::Invalid("a character that no host name has (write international names in their xn-- form)");
    }
    if (label.front() == '-' || label.back() == '-')
      return Error::Invalid("a host name part that begins or ends with '-'");
    labels.emplace_back(label);
  }
  // A last label that looks like a number makes it an address (WHATWG URL, "ends in a number"); 0x7f.1, 127.1 and
  // 2130706433 are all 127.0.0.1 to some programs, so only the plain form is taken.
  const std::string& last = labels.back();
  const bool numeric = std::all_of(last.begin(), last.end(), IsDigit) || last.starts_with("0x");
  in_addr address{};
  if (numeric && inet_pton(AF_INET, std::string(host).c_str(), &address) != 1) {
    return Error::Invalid("an address that is not in the form of four decimal numbers");
  }
  if (numeric) return std::vector<std::string>{std::string(host)};
  return labels;
}

struct HostPort {
  std::vector<std::string> labels;
  std::optional<std::uint16_t> port;
  bool ipv6 = false;
};

Result<HostPort> ParseHostPort(string_view text) {
  HostPort out;
  string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    const std::string address = end == string_view::npos ? std::string() : CanonicalIpv6(text.substr(1, end - 1));
    if (address.empty()) return Error::Invalid("a malformed IPv6 address");
    out.labels.push_back(address);
    out.ipv6 = true;
    rest = text.substr(end + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    RUNE_ASSIGN_OR_RETURN(out.labels, ParseLabels(ToLower(text.substr(0, colon))));
    rest = text.substr(colon);
  }
  if (rest.empty()) return out;
  out.port = rest[0] == ':' ? ParsePort(rest.substr(1)) : std::nullopt;
  if (!out.port) return Error::Invalid("a malformed port");
  return out;
}

}  // namespace

Result<Url> ParseUrl(string_view text) {
  if (text.size() > kMaxUrl) return Error::Invalid("a URL of more than 4096 characters");
  const auto odd = [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f || c == '\\';
  };
  if (std::any_of(text.begin(), text.end(), odd)) {
    return Error::Invalid("a blank, a backslash, a control or a non-ASCII character (percent-encode it)");
  }
  const std::size_t separator = text.find("://");
  if (separator == string_view::npos) return Error::Invalid("not of the form http://host/path");
  Url url;
  url.scheme = ToLower(text.substr(0, separator));
  if (url.scheme != "http" && url.scheme != "https") return Error::Invalid("only http and https can be fetched");
  const string_view rest = text.substr(separator + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const string_view authority = rest.substr(0, end);
  if (authority.find('@') != string_view::npos) return Error::Invalid("a user name or password in the URL");
  RUNE_ASSIGN_OR_RETURN(const HostPort where, ParseHostPort(authority));
  url.host = Join(where.labels, ".");
  const std::uint16_t usual = url.scheme == "https" ? 443 : 80;
  url.port = where.port.value_or(usual);
  string_view path = rest.substr(end);
  path = path.substr(0, path.find('#'));
  url.text = url.scheme + "://" + (where.ipv6 ? "[" + url.host + "]" : url.host);
  if (url.port != usual) url.text += ":" + std::to_string(url.port);
  if (!path.starts_with('/')) url.text += "/";
  url.text += path;
  return url;
}

Result<DomainPattern> ParseDomainPattern(string_view text) {
  const auto bad = [&](const std::string& why) {
    return Error::Invalid("allowed_domains: '" + OneLine(text) + "': " + why +
                          "; write name, *.suffix, name:port or *");
  };
  DomainPattern pattern;
  if (text == "*") {
    pattern.kind = DomainPattern::Kind::kEvery;
    return pattern;
  }
  string_view host = text;
  if (host.starts_with("*.")) {
    pattern.kind = DomainPattern::Kind::kSubdomains;
    host.remove_prefix(2);
  }
  if (host.find("://") != string_view::npos) return bad("a URL instead of a host name");
  if (host.find('*') != string_view::npos) return bad("'*' can only stand for the first parts of a name");
  Result<HostPort> where = ParseHostPort(host);
  if (!where.ok()) return bad(where.error().message);
  pattern.labels = where->labels;
  pattern.port = where->port.value_or(0);
  const bool address = where->ipv6 || (pattern.labels.size() == 1 && IsDigit(pattern.labels[0].back()) &&
                                       pattern.labels[0].find('.') != std::string::npos);
  if (address && pattern.kind == DomainPattern::Kind::kSubdomains) return bad("an address has no subdomains");
  return pattern;
}

bool Matches(const DomainPattern& pattern, string_view host, std::uint16_t port) {
  if (pattern.kind == DomainPattern::Kind::kEvery) return true;
  if (pattern.port == 0 ? (port != 80 && port != 443) : port != pattern.port) return false;
  std::vector<string_view> labels;
  // An address is one label, with the dots of its text.
  if (pattern.labels.size() == 1 && pattern.labels[0] == host) {
    labels.push_back(host);
  } else {
    labels = Split(host, '.');
  }
  if (pattern.kind == DomainPattern::Kind::kExact) {
    return std::equal(labels.begin(), labels.end(), pattern.labels.begin(), pattern.labels.end());
  }
  return labels.size() > pattern.labels.size() &&
         std::equal(pattern.labels.rbegin(), pattern.labels.rend(), labels.rbegin());
}

}  // namespace rune::agent
