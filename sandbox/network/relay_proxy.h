#pragma once
/// The HTTP proxy through which a machine reaches the outside: asked for a tunnel to each name (RFC 9110 9.3.6). A
/// command never learns of it.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"
#include "sandbox/base/secret.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/no_proxy.h"

namespace rune::sandbox {

struct UpstreamProxy {
  std::string host;  ///< Name or address.
  std::uint16_t port = 0;
  Secret credentials;  ///< "user:password", or empty.
  NoProxy direct;      ///< Names that are reached without it; addresses always are.
};
/// "http://[user:password@]host[:port]", the user information percent-encoded; without a port 80. kInvalidInput, whose
/// message does not repeat the text.
Result<UpstreamProxy> ParseUpstreamProxy(std::string_view url);

class ProxyTunnel {
 public:
  /// 0 and the socket, which from here on leads to the server; or an errno.
  using Done = std::function<void(int error, UniqueFd socket)>;
  /// `socket` is connected to the proxy. `done` is called once, later; it may destroy the tunnel.
  ProxyTunnel(EventLoop& loop, UniqueFd socket, const UpstreamProxy& proxy, const std::string& target, Done done);
  ~ProxyTunnel();
  ProxyTunnel(const ProxyTunnel&) = delete;
  ProxyTunnel& operator=(const ProxyTunnel&) = delete;

 private:
  void OnEvent();
  void Finish(int error);

  EventLoop& loop_;
  UniqueFd socket_;
  std::string target_;
  Done done_;
  std::string request_;
  std::string head_;
};

}  // namespace rune::sandbox
