#include "agent/policy/domain.h"

#include <algorithm>
#include <array>

#include "sandbox/address.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using std::string_view;

constexpr std::size_t kMaxUrl = 4096;

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
  RUNE_ASSIGN_OR_RETURN(const sandbox::HostPort where, sandbox::ParseHostPort(authority));
  url.host = where.host;
  const std::uint16_t usual = url.scheme == "https" ? 443 : 80;
  url.port = where.port == 0 ? usual : where.port;
  string_view path = rest.substr(end);
  path = path.substr(0, path.find('#'));
  url.text = url.scheme + "://" + sandbox::JoinHostPort({url.host, url.port == usual ? std::uint16_t{0} : url.port});
  if (!path.starts_with('/')) url.text += "/";
  url.text += path;
  return url;
}

bool IsListed(const sandbox::DomainAllowlist& rules, const Url& url) {
  const auto address = sandbox::ParseIp(url.host);
  return address ? rules.AllowsAddress(*address, url.port) : rules.AllowsName(url.host, url.port);
}

bool IsMetadataHost(string_view host) {
  constexpr std::array<string_view, 3> kNames{"metadata.google.internal", "metadata.goog",
                                              "instance-data.ec2.internal"};
  if (const auto address = sandbox::ParseIp(host)) {
    return sandbox::KindOf(sandbox::Unwrap(*address)) == sandbox::AddressKind::kMetadata;
  }
  return std::find(kNames.begin(), kNames.end(), ToLower(host)) != kNames.end();
}

std::string HostAndPort(const Url& url) { return sandbox::JoinHostPort({url.host, url.port}); }

}  // namespace rune::agent
