#pragma once
/// Who listens. That a listener's descriptor is open says nothing: shutdown(2) frees its port, and a stranger may
/// listen there by now.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>

#include "sandbox/address.h"

namespace rune::sandbox {

/// The socket that a TCP connection to `at` would reach, in the network of `netlink` (borrowed; NETLINK_SOCK_DIAG, not
/// blocking, sock_diag(7)); nullopt when there is none, or the kernel cannot say.
std::optional<ino_t> ListenerAt(int netlink, const Endpoint& at);
/// Where it cannot: whether there is a listener on this port of the machine, and each that is is among `inodes`
/// (/proc/net/tcp).
bool AreAllListeners(std::uint16_t port, const std::set<ino_t>& inodes);

}  // namespace rune::sandbox
