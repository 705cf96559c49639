#pragma once
/// connect(2) of a guarded command's stream sockets, performed on our twins of them. Internal to guard.h.

#include <functional>
#include <memory>
#include <string>

#include "sandbox/guard/guard_routes.h"
#include "sandbox/guard/guard_state.h"
#include "sandbox/guard/loopback_door.h"
#include "sandbox/guard/unix_sockets.h"
#include "sandbox/network/dns_streams.h"
#include "sandbox/network/relay.h"

namespace rune::sandbox {

class GuardStreams {
 public:
  /// All outlive this.
  GuardStreams(GuardState& state, const GuardRoutes& routes, Relay& relay);

  /// `bytes`: the address, copied once. `socket` is a kStream or kUnix that is still there.
  void Connect(const SystemCall& call, const SocketTable::Entry& socket, const std::string& bytes);
  void Clear();

 private:
  struct Attempt {
    SystemCall call;
    SocketTable::Entry socket;
    std::string asked;      ///< What getpeername(2) shall say; empty: the truth.
    bool blocking = false;  ///< Of the socket, at the time of the call; and until when.
    TimePoint deadline = kNever;
  };
  void ConnectInternet(const Attempt& attempt, const Endpoint& wanted);
  void ConnectPath(const Attempt& attempt, const std::string& path);
  void RetryPath(const Attempt& attempt, std::shared_ptr<UniqueFd> place);
  void Dial(const Attempt& attempt, const RelayTarget& target);
  void Enter(const Attempt& attempt, LoopbackDoor::Entered entered);
  int Start(const Attempt& attempt, const Endpoint& address);
  void Await(const Attempt& attempt, int error);
  void Again(const Attempt& attempt, int late, std::function<void()> retry);
  void Finish(const Attempt& attempt, int error);

  GuardState& state_;
  const GuardRoutes& routes_;
  Relay& relay_;
  LoopbackDoor door_;
  DnsStreams dns_streams_;
  UnixSocketRules unix_rules_;
  const std::size_t max_connections_;  ///< Each takes two of our descriptors.
};

}  // namespace rune::sandbox
