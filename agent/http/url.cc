#include "agent/http/url.h"

#include <algorithm>

#include "sandbox/base/text.h"

namespace rune::agent {

UrlParts SplitUrl(std::string_view url) {
  UrlParts parts;
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return parts;
  parts.scheme = ToLower(url.substr(0, scheme));
  url.remove_prefix(scheme + 3);
  const std::size_t path = std::min(url.find_first_of("/?#"), url.size());
  std::string_view authority = url.substr(0, path);
  parts.path = url.substr(path);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon);
  parts.host = ToLower(has_port ? authority.substr(0, colon) : authority);
  if (has_port) parts.port = authority.substr(colon + 1);
  return parts;
}

bool IsLoopback(const UrlParts& url) {
  const auto numeric = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
  return url.host == "localhost" || url.host == "[::1]" ||
         (url.host.starts_with("127.") && std::all_of(url.host.begin(), url.host.end(), numeric));
}

bool IsUnder(std::string_view host, std::string_view domain) {
  return host == domain ||
         (host.size() > domain.size() && host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.');
}

Result<std::string> ReadBaseUrl(std::string_view text, const std::string& setting) {
  text = Trim(text);
  while (text.ends_with('/')) text.remove_suffix(1);
  const UrlParts parts = SplitUrl(text);
  if ((parts.scheme != "http" && parts.scheme != "https") || parts.host.empty()) {
    return Error::Invalid(setting + ": '" + OneLine(text, 80) + "' is no http:// or https:// URL");
  }
  return std::string(text);
}

std::string JoinUrl(std::string_view base, std::string_view path) {
  while (base.ends_with('/')) base.remove_suffix(1);
  while (path.starts_with('/')) path.remove_prefix(1);
  return std::string(base).append("/").append(path);
}

}  // namespace rune::agent
