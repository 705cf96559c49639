#pragma once
/// What the parts of one network guard share. Internal to guard.h.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/guard/guard.h"
#include "sandbox/guard/held_calls.h"
#include "sandbox/guard/notifications.h"
#include "sandbox/guard/socket_table.h"
#include "sandbox/guard/tracee.h"
#include "sandbox/network/denial_notes.h"
#include "sandbox/network/dns_service.h"
#include "sandbox/network/ledger.h"

namespace rune::sandbox {

struct GuardState {
  GuardState(EventLoop& event_loop, GuardOptions guard_options);

  EventLoop& loop;
  const GuardOptions options;
  Notifications calls;
  DenialNotes notes;
  EgressLedger ledger;
  std::vector<std::string> troubles;  ///< Report::troubles
  SocketTable sockets;
  HeldCalls held;
  DnsService dns;

  /// Finds the socket that descriptor `fd` of the caller is, and makes sure that the caller still waits. False: the
  /// call was answered, or nobody wants an answer. `socket` is null when it is none that we know.
  bool FindSocket(const SystemCall& call, const Tracee& tracee, SocketTable::Entry& socket);
  /// Answers a call whose caller could not be looked at.
  void FailLook(const SystemCall& call, int error);
  void Refuse(const SystemCall& call, DeniedAct what, const std::string& target, Remedy remedy = {});
  /// socket(2) for the command: where it has a network of its own, there. Close-on-exec; invalid: errno is set.
  UniqueFd MakeInternetSocket(int domain, int type, int protocol) const;
  /// errno 0: success.
  void Answer(const SystemCall& call, int error);
};

/// Address bytes as connect(2), bind(2) and sendto(2) take them. 0 or an errno.
int ReadSocketAddress(Tracee& tracee, std::uint64_t address, int length, std::string& bytes);
/// The bytes that a socket of this family takes: IPv4 addresses are mapped for IPv6.
std::string EncodeFor(int domain, const Endpoint& endpoint);
/// 0 or an errno.
int BindSocket(int socket, const std::string& address);
/// When a call on `socket` with the timeout `option` (SO_SNDTIMEO, SO_RCVTIMEO; socket(7)) has to end.
TimePoint DeadlineOf(int socket, int option);
bool IsBlocking(int socket);

}  // namespace rune::sandbox
