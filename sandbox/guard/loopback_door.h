#pragma once
/// Where a command's connection comes in when it goes through us: a listener on 127.0.0.1 of the guard's own. Its
/// socket stays the TCP socket that the command made, with every option and epoll(7) registration; only the far end is
/// ours.
///
/// Other programs of the machine can connect there too. A connection counts only when it comes from the very address
/// and port of the socket that we connected ourselves; strangers are closed.

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "sandbox/address.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

class LoopbackDoor {
 public:
  using Entered = std::function<void(UniqueFd)>;

  /// `make`: socket(2) in the command's network.
  using MakeSocket = std::function<UniqueFd(int domain, int type, int protocol)>;
  LoopbackDoor(EventLoop& loop, MakeSocket make) : loop_(loop), make_(std::move(make)) {}
  ~LoopbackDoor();
  LoopbackDoor(const LoopbackDoor&) = delete;
  LoopbackDoor& operator=(const LoopbackDoor&) = delete;

  /// Starts to listen, the first time. 0 or an errno.
  int Open();
  /// Where a socket of `domain` has to connect to; IPv6 sockets use the mapped address.
  Endpoint AddressFor(int domain) const;
  /// Call after connecting `socket` there, before the loop runs on: `entered` gets the accepted end.
  void Expect(int socket, Entered entered);
  /// Connected, but not come in yet.
  std::size_t waiting() const { return expected_.size(); }
  void Clear();

 private:
  void Listen();
  void Accept();

  EventLoop& loop_;
  const MakeSocket make_;
  UniqueFd listener_;
  Endpoint address_;
  EventLoop::TimerId pause_ = 0;               ///< Not listening for a moment: there are no descriptors left.
  std::map<std::uint16_t, Entered> expected_;  ///< By the port that comes; the address is always 127.0.0.1.
};

/// getsockname(2) with mapped addresses unwrapped; port 0 when it is not bound.
Endpoint LocalEndpoint(int socket);

}  // namespace rune::sandbox
