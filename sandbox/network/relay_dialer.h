#pragma once
/// Finds the server of one connection and connects to it: to an address that was checked, never to a name.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/network/relay.h"
#include "sandbox/network/resolver.h"

namespace rune::sandbox {

struct DialOutcome {
  int error = 0;                        ///< errno.
  UniqueFd upstream;                    ///< With error 0.
  std::optional<RelayRefusal> refusal;  ///< With EACCES: which addresses are out of bounds.
  std::string trouble;                  ///< Why the name has no address; empty: the errno says it all.
};

class Dialer {
 public:
  using Done = std::function<void(DialOutcome)>;
  /// Borrows `options`. `done` is called once, later; it may destroy the dialer.
  Dialer(EventLoop& loop, Resolver& resolver, const RelayOptions& options, RelayTarget target, Done done);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

 private:
  /// Who looks up a name of its own choice tells it to somebody: the name counts as sent. False: no more may be.
  bool PayForName();
  void Start();
  void Resolved(Result<std::vector<IpAddress>> addresses);
  /// Keeps what may be connected to, the families taking turns (RFC 8305 4).
  void Choose(const std::vector<IpAddress>& addresses);
  bool IsOpen(const IpAddress& address) const;
  RelayRefusal RefusalOf(const std::vector<IpAddress>& closed) const;
  void ConnectNext();
  void Check(int fd);
  void Connected(UniqueFd socket);
  void Finish(DialOutcome outcome);

  EventLoop& loop_;
  Resolver& resolver_;
  const RelayOptions& options_;
  RelayTarget target_;
  const UpstreamProxy* proxy_;  ///< Of the options; null: there is none, or the target is an address.
  std::uint16_t port_;          ///< Of the proxy, or of the target.
  Done done_;
  Resolver::QueryId query_ = 0;
  std::deque<IpAddress> left_;
  std::map<int, UniqueFd> connecting_;
  std::unique_ptr<ProxyTunnel> tunnel_;
  int error_ = 0;  ///< What failed so far, the most telling one.
  EventLoop::TimerId next_ = 0;
  EventLoop::TimerId deadline_ = 0;
};

}  // namespace rune::sandbox
