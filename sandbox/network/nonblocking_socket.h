#pragma once
/// Sockets that never block, and what a poll loop asks about them.

#include "sandbox/address.h"
#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

struct ConnectStart {
  int error = 0;  ///< errno; 0: connected, or on its way.
  UniqueFd fd;
};
/// socket(2) with SOCK_CLOEXEC and SOCK_NONBLOCK of `type` (SOCK_STREAM or SOCK_DGRAM), then connect(2).
ConnectStart StartConnect(const Endpoint& endpoint, int type);

/// What poll(2) says about `fd` at this moment. An event of the loop may be meant for an earlier owner of the number
/// that was closed in the same round: where acting on it could not be undone, it is asked again.
short ReadyNow(int fd, short events);
/// EINPROGRESS, 0 when connected, or why not (errno).
int ConnectOutcome(int fd);
/// Closes with a reset (SO_LINGER of 0, socket(7)), so that the peer cannot take it for an orderly end.
void CloseWithReset(UniqueFd fd);

/// connect(2) on a socket whose open file is shared with a command: O_NONBLOCK is set meanwhile, and a command that
/// takes it off again in that moment makes us wait a millisecond and no longer. 0 or an errno; EINTR: it did that.
int ConnectWithoutWaiting(int shared, const sockaddr* address, socklen_t length);

}  // namespace rune::sandbox
