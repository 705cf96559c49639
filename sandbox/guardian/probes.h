#pragma once
/// The acts of sandbox/probe.h. Each is harmless where it succeeds: it opens, makes or asks for something in a child
/// that ends at once.

#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <string>

#include "sandbox/base/unique_fd.h"
#include "sandbox/guardian/compiled_policy.h"
#include "sandbox/probe.h"

namespace rune::sandbox {

/// What the acts are aimed at: all of it the guardian's own, or chosen so that an act leaves nothing behind.
struct ProbeTargets {
  UniqueFd tcp;  ///< Listens on loopback.
  UniqueFd udp;
  UniqueFd abstract;
  sockaddr_in tcp_address{};
  sockaddr_in udp_address{};
  std::string abstract_name;
  std::string unreadable;  ///< Directory outside the grants; empty: everything is granted.
  std::string unwritable;  ///< The same for a directory that may be written without the confinement.
  std::string forbidden_program;
  std::string own_directory;  ///< Where a command may write.
  std::string denied;         ///< An existing path of the policy's own denied list.
  pid_t guardian = 0;
  pid_t client = 0;  ///< By its number on this machine, which may mean nobody where commands have ids of their own.
  RunLimits limits;
  CommandLimits command;
  bool counts_pids = false;      ///< The pids limit holds at the moment of a fork, so that it can be tried.
  bool network_is_open = false;  ///< By policy.
  bool unconfined = false;       ///< For the child without the confinement: nothing may leave the machine.
};
ProbeTargets MakeProbeTargets(const CompiledPolicy& policy);

inline constexpr std::size_t kProbeCount = 33;
inline constexpr int kProbeNotTried = -1;

struct ProbeAct {
  Layer layer = Layer::kLimits;
  const char* name = "";
  int (*attempt)(const ProbeTargets&) = nullptr;  ///< errno, 0 when it succeeded, or kProbeNotTried.
  std::array<int, 3> refusals{};                  ///< What counts as refused.
};
const std::array<ProbeAct, kProbeCount>& ProbeActs();

/// Of both children; lies in memory that they share.
struct ProbeOutcomes {
  std::array<int, kProbeCount> outside{};
  std::array<int, kProbeCount> inside{};
};
/// Tries everything, in the child it is called in.
void TryProbes(const ProbeTargets& targets, std::array<int, kProbeCount>& outcomes);
std::vector<ProbeResult> JudgeProbes(const ProbeOutcomes& outcomes);

}  // namespace rune::sandbox
