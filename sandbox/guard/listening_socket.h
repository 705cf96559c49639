#pragma once
/// Who listens. That a listener's descriptor is open says nothing: shutdown(2) frees its port, and a stranger may
/// listen there by now.

#include <sys/types.h>

#include <set>

#include "sandbox/address.h"

namespace rune::sandbox {

/// Whether a TCP connection to `at` would reach one of the sockets `inodes`. Asks the kernel for the one socket
/// (sock_diag(7)); where it cannot say, all that listen on this port must be among them (/proc/net/tcp).
bool LeadsToListener(const Endpoint& at, const std::set<ino_t>& inodes);

}  // namespace rune::sandbox
