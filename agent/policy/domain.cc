#include "agent/policy/domain.h"

#include <algorithm>
#include <optional>

#include "sandbox/address.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using std::string_view;

constexpr std::size_t kMaxUrl = 4096;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::uint16_t> ParsePort(string_view text) {
  if (text.empty() || text[0] == '0' || !std::all_of(text.begin(), text.end(), IsDigit)) return std::nullopt;
  const auto value = ParseInt(text);
  if (!value || *value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

std::string Bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

struct HostPort {
  std::string host;
  std::optional<std::uint16_t> port;
};

Result<HostPort> ParseHostPort(string_view text) {
  HostPort out;
  string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    const auto address = end == string_view::npos ? std::nullopt : sandbox::ParseIp(text.substr(1, end - 1));
    if (!address || address->is_v4()) return Error::Invalid("a malformed IPv6 address");
    out.host = Format(*address);
    rest = text.substr(end + 1);
  } else {
    const string_view host = text.substr(0, text.find(':'));
    if (host.empty()) return Error::Invalid("no host");
    const auto address = sandbox::ParseIp(host);
    const auto name = address ? Format(*address) : sandbox::NormalizeHostName(host);
    if (!name) {
      return Error::Invalid(
          "a malformed host name (write international names in their xn-- form, addresses as four decimal numbers)");
    }
    out.host = *name;
    rest = text.substr(host.size());
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
  url.host = where.host;
  const std::uint16_t usual = url.scheme == "https" ? 443 : 80;
  url.port = where.port.value_or(usual);
  string_view path = rest.substr(end);
  path = path.substr(0, path.find('#'));
  url.text = url.scheme + "://" + (url.port == usual ? Bracketed(url.host) : HostAndPort(url));
  if (!path.starts_with('/')) url.text += "/";
  url.text += path;
  return url;
}

bool IsListed(const sandbox::DomainAllowlist& rules, const Url& url) {
  const auto address = sandbox::ParseIp(url.host);
  return address ? rules.AllowsAddress(*address, url.port) : rules.AllowsName(url.host, url.port);
}

std::string HostAndPort(const Url& url) { return Bracketed(url.host) + ":" + std::to_string(url.port); }

}  // namespace rune::agent
