#pragma once
/// bind(2) and listen(2) of a guarded command's streams. It may serve on loopback, on every port that takes no
/// privilege, and on what an entry of the rules names. Where loopback is the machine's, a port that no entry names is
/// replaced by another, and the command is told the one that it wished. Internal to guard.h.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/guard/guard_state.h"

namespace rune::sandbox {

class GuardServers {
 public:
  explicit GuardServers(GuardState& state) : state_(state) {}

  /// `bytes`: the address, copied once. `socket` is a kStream or kUnix that is still there.
  void Bind(const SystemCall& call, GuardedSocket& socket, std::string bytes);
  void Listen(const SystemCall& call);
  /// Where to connect to reach a listener of this very command at this loopback address; nullopt when there is none, or
  /// it listens no more: its port may be somebody else's by now.
  std::optional<Endpoint> OwnListener(const IpAddress& loopback, std::uint16_t port);

 private:
  struct Listener {
    Endpoint address;        ///< What it is bound to.
    std::uint16_t port = 0;  ///< What the command believes.
    ino_t inode = 0;
  };
  int BindPath(const SystemCall& call, const GuardedSocket& socket, const std::string& path);
  void BindStream(const SystemCall& call, GuardedSocket& socket, std::string bytes);
  void RefuseToServe(const SystemCall& call, const Endpoint& at);
  int BindAsWished(GuardedSocket& socket, const Endpoint& wished);
  int BindTwin(GuardedSocket& socket, const Endpoint& address);
  bool MayServe(const IpAddress& address, std::uint16_t port) const;
  bool IsOurs(const Endpoint& at) const;
  void ForgetListeners();

  GuardState& state_;
  std::vector<Listener> listeners_;
};

}  // namespace rune::sandbox
