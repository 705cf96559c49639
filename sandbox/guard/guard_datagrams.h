#pragma once
/// UDP for a guarded command: stand-ins, which reach nobody but us, answer DNS, and look like UDP sockets where
/// programs look. A stand-in is one end of a seqpacket pair: unlike a datagram pair it takes no address (unix(7)), so
/// that sendto(2), sendmsg(2) and sendmmsg(2) end here whatever their memory says.
///
/// Where the command has a network of its own, a stand-in that is bound to loopback, or is to reach somebody there, is
/// replaced by a UDP socket of that network, before the call goes on. Internal to guard.h.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "sandbox/guard/guard_routes.h"
#include "sandbox/guard/guard_state.h"

namespace rune::sandbox {

class GuardDatagrams {
 public:
  /// Both outlive this. `server`: where an answer comes from when the question named nobody.
  GuardDatagrams(GuardState& state, const GuardRoutes& routes, Endpoint server);

  /// A stand-in was handed out.
  void Start(const SocketTable::Entry& socket);
  void Stop(GuardedSocket& socket);

  /// These two: of kDatagram and kOwnUdp, with the address copied once.
  void Bind(const SystemCall& call, SocketTable::Entry socket, const std::string& bytes);
  void Connect(const SystemCall& call, SocketTable::Entry socket, const std::string& bytes);
  void SendTo(const SystemCall& call);
  /// recvfrom(2) with an address, and recvmsg(2).
  void Receive(const SystemCall& call);
  /// getsockname(2) and getpeername(2), of all sockets: those that go through us have made-up names.
  void Name(const SystemCall& call);

 private:
  void NoteUnheard(const Endpoint& at);
  int BecomeOwn(const SystemCall& call, SocketTable::Entry& socket);
  void Hear(const SocketTable::Entry& socket);
  void Ask(GuardedSocket& socket, std::string_view datagram, const std::optional<Endpoint>& server);
  void NoteRefused(DeniedAct what, const std::string& target);
  void Serve(GuardedSocket& socket);
  bool TryReceive(const SystemCall& call, GuardedSocket& socket);
  int Deliver(const SystemCall& call, GuardedSocket& socket, Tracee& tracee, std::int64_t& result);
  Endpoint SourceFor(const GuardedSocket& socket) const;

  GuardState& state_;
  const GuardRoutes& routes_;
  Endpoint server_;
};

}  // namespace rune::sandbox
