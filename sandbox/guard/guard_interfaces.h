#pragma once
/// What a command is told of network interfaces by way of a socket (netdevice(7)): that there is loopback. Most of its
/// sockets are ours, and would tell of the machine's addresses. Part of guard.h.

#include <net/if.h>

#include "sandbox/guard/guard_state.h"

namespace rune::sandbox {

class GuardInterfaces {
 public:
  explicit GuardInterfaces(GuardState& state) : state_(state) {}

  /// Whether an ioctl(2) that the filter handed over is such a question; else it is one that is refused to everybody.
  static bool Knows(const SystemCall& call);
  void Ask(const SystemCall& call);

 private:
  int List(Tracee& tracee, std::uint64_t address) const;
  int Describe(Tracee& tracee, std::uint32_t request, std::uint64_t address) const;

  GuardState& state_;
};

}  // namespace rune::sandbox
