#include "sandbox/network/relay_proxy.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "sandbox/address.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxHead = 8 << 10;

/// What an answer that is no tunnel means for whoever wanted to connect.
int ErrorOf(int status) {
  if (status == 403 || status == 407) return EACCES;
  if (status == 502 || status == 503) return EHOSTUNREACH;
  return status == 504 ? ETIMEDOUT : ECONNREFUSED;
}

}  // namespace

Result<UpstreamProxy> ParseUpstreamProxy(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  const Error malformed = Error::Invalid("a proxy is \"http://[user:password@]host[:port]\"");
  if (!url.starts_with(kScheme)) return malformed;
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  UpstreamProxy proxy;
  if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) {
    std::optional<std::string> credentials = PercentDecode(url.substr(0, at));
    if (!credentials || credentials->find(':') == std::string::npos) return malformed;
    proxy.credentials = Secret::Take(*credentials);
    url.remove_prefix(at + 1);
  }
  const Result<HostPort> where = ParseHostPort(url);
  if (!where.ok()) return malformed;
  proxy.host = where->host;
  proxy.port = where->port == 0 ? 80 : where->port;
  return proxy;
}

ProxyTunnel::ProxyTunnel(EventLoop& loop, UniqueFd socket, const UpstreamProxy& proxy, const std::string& target,
                         Done done)
    : loop_(loop), socket_(std::move(socket)), target_(target), done_(std::move(done)) {
  request_ = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!proxy.credentials.empty()) {
    request_ += "Proxy-Authorization: Basic " + Base64Encode(proxy.credentials.Reveal()) + "\r\n";
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
