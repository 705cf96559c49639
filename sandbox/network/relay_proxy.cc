#include "sandbox/network/relay_proxy.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "sandbox/base/encoding.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"
#include "sandbox/domain_allowlist.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxHead = 8 << 10;

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const std::string_view kDigits = "0123456789abcdef";
    const std::string digits = ToLower(text.substr(i + 1, 2));
    if (digits.size() != 2 || digits.find_first_not_of(kDigits) != std::string::npos) return std::nullopt;
    out += static_cast<char>(kDigits.find(digits[0]) << 4 | kDigits.find(digits[1]));
    i += 2;
  }
  return out;
}

/// "host", "host:8080", "[::1]:8080".
bool TakeHostAndPort(std::string_view text, UpstreamProxy& proxy) {
  const bool bracket = text.starts_with('[');
  const std::size_t end = bracket ? text.find(']') : text.find(':');
  if (bracket && end == std::string_view::npos) return false;
  const std::string_view host = bracket ? text.substr(1, end - 1) : text.substr(0, end);
  std::string_view rest = end == std::string_view::npos ? std::string_view() : text.substr(bracket ? end + 1 : end);
  if (const auto name = NormalizeHostName(host); name && !bracket) {
    proxy.host = *name;
  } else if (const auto address = ParseIp(host); address && bracket != address->is_v4()) {
    proxy.host = Format(*address);
  } else {
    return false;
  }
  if (rest.empty()) rest = ":80";
  const auto port = rest[0] == ':' ? ParseInt(rest.substr(1)) : std::nullopt;
  if (!port || *port < 1 || *port > 65535) return false;
  proxy.port = static_cast<std::uint16_t>(*port);
  return true;
}

/// What an answer that is no tunnel means for whoever wanted to connect.
int ErrorOf(int status) {
  if (status == 403 || status == 407) return EACCES;
  if (status == 502 || status == 503) return EHOSTUNREACH;
  return status == 504 ? ETIMEDOUT : ECONNREFUSED;
}

}  // namespace

bool UpstreamProxy::Serves(std::string_view name) const {
  return std::none_of(direct.begin(), direct.end(), [&](const std::string& entry) {
    return entry == "*" || name == entry || name.ends_with("." + entry);
  });
}

std::vector<std::string> ParseNoProxy(std::string_view text) {
  std::vector<std::string> entries;
  for (std::string_view entry : Split(text, ',')) {
    entry = Trim(entry);
    while (entry.starts_with('.') || entry.starts_with("*.")) entry.remove_prefix(1);
    if (!entry.empty()) entries.push_back(ToLower(entry));
  }
  return entries;
}

Result<UpstreamProxy> ParseUpstreamProxy(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  const Error malformed = Error::Invalid("a proxy is \"http://[user:password@]host[:port]\"");
  if (!url.starts_with(kScheme)) return malformed;
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  UpstreamProxy proxy;
  if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) {
    const std::optional<std::string> credentials = PercentDecode(url.substr(0, at));
    if (!credentials || credentials->find(':') == std::string::npos) return malformed;
    proxy.credentials = *credentials;
    url.remove_prefix(at + 1);
  }
  if (!TakeHostAndPort(url, proxy)) return malformed;
  return proxy;
}

ProxyTunnel::ProxyTunnel(EventLoop& loop, UniqueFd socket, const UpstreamProxy& proxy, const std::string& target,
                         Done done)
    : loop_(loop), socket_(std::move(socket)), target_(target), done_(std::move(done)) {
  request_ = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!proxy.credentials.empty()) {
    request_ += "Proxy-Authorization: Basic " + Base64Encode(proxy.credentials) + "\r\n";
  }
  request_ += "\r\n";
  loop_.Watch(socket_.get(), POLLOUT, [this](short) { OnEvent(); });
}

ProxyTunnel::~ProxyTunnel() {
  if (socket_.valid()) loop_.Unwatch(socket_.get());
}

void ProxyTunnel::OnEvent() {
  if (!request_.empty()) {
    const ssize_t sent = ::send(socket_.get(), request_.data(), request_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return Finish(ECONNREFUSED);
    if (sent > 0) request_.erase(0, static_cast<std::size_t>(sent));
    if (request_.empty()) loop_.Watch(socket_.get(), POLLIN, [this](short) { OnEvent(); });
    return;
  }
  // Byte by byte: what follows the head is the server's.
  while (!head_.ends_with("\r\n\r\n")) {
    char byte = 0;
    const ssize_t size = ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0 || head_.size() == kMaxHead) return Finish(ECONNREFUSED);
    head_ += byte;
  }
  // "HTTP/1.1 200 Connection established"
  const bool is_http = head_.starts_with("HTTP/1.") && head_.size() > 12 && head_[8] == ' ';
  const int status = static_cast<int>(is_http ? ParseInt(std::string_view(head_).substr(9, 3)).value_or(0) : 0);
  if (status >= 200 && status < 300) return Finish(0);
  Log(LogLevel::kInfo, "network: the proxy answers " + std::to_string(status) + " for " + target_);
  Finish(ErrorOf(status));
}

void ProxyTunnel::Finish(int error) {
  loop_.Unwatch(socket_.get());
  UniqueFd socket = std::move(socket_);
  if (error != 0) socket.Reset();
  const Done done = std::move(done_);
  done(error, std::move(socket));  // may destroy this
}

}  // namespace rune::sandbox
