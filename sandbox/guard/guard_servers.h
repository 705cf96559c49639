#pragma once
/// bind(2) and listen(2) of a guarded command. It may serve on loopback, on a port that the kernel chooses, and on what
/// an entry of the rules names. Internal to guard.h.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sandbox/guard/guard_state.h"

namespace rune::sandbox {

class GuardServers {
 public:
  explicit GuardServers(GuardState& state) : state_(state) {}

  void Bind(const SystemCall& call);
  void Listen(const SystemCall& call);
  /// Where to connect to reach a listener of this very command at this loopback address; nullopt when there is none, or
  /// it listens no more: its port may be somebody else's by now.
  std::optional<Endpoint> OwnListener(const IpAddress& loopback, std::uint16_t port);

 private:
  struct Listener {
    Endpoint address;
    ino_t inode = 0;
  };
  void BindStream(const SystemCall& call, GuardedSocket& socket, std::string bytes);
  void RefuseToServe(const SystemCall& call, const Endpoint& at);
  int BindTwin(GuardedSocket& socket, const Endpoint& address);
  bool MayServe(const IpAddress& address, std::uint16_t port) const;
  bool IsOurs(const Endpoint& at) const;
  void ForgetListeners();

  GuardState& state_;
  std::vector<Listener> listeners_;
  std::set<std::uint16_t> own_ports_;  ///< Chosen by the kernel for this command: it may ask for them by number.
};

}  // namespace rune::sandbox
