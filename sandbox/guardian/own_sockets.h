#pragma once
/// Sockets of the run's own network (network_namespaces(7)), for a guardian that stays in the machine's: a socket
/// belongs to the network of the process that made it, wherever its descriptor goes. An ordinary user who has left a
/// network cannot go back to it, so that another process makes them: the one that stays behind where a run has process
/// ids of its own.

#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

class OwnSockets {
 public:
  struct Ends {
    UniqueFd client;
    UniqueFd server;
  };
  /// Before the fork that parts the two. Both are invalid when there are no descriptors left.
  static Ends Connect();
  /// What the other process does, in that network, until the client's end is closed.
  static void Serve(int server);

  OwnSockets() = default;
  /// Waits for the server's first word; without it there are none.
  explicit OwnSockets(UniqueFd client);

  bool valid() const { return client_.valid(); }
  /// socket(2) there, close-on-exec. Invalid: errno is set.
  UniqueFd Make(int domain, int type, int protocol) const;

 private:
  UniqueFd client_;
};

}  // namespace rune::sandbox
