#pragma once
/// A Confinement made ready: BPF program and Landlock ruleset are built once and only attached per command.

#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/confinement.h"
#include "sandbox/layers/landlock.h"
#include "sandbox/layers/seccomp.h"

namespace rune::sandbox {

/// What the guardian as a whole could get; part of every policy's report.
struct RunFacts {
  std::string cgroup;     ///< "cgroup v1 (memory, pids)"; empty when there is none.
  std::string no_cgroup;  ///< Why there is none, or only half of one.
  std::string identity;   ///< Identity::mechanism
};

struct CompiledPolicy {
  Confinement confinement;
  LandlockRuleset landlock;         ///< fd invalid when Landlock is missing.
  BpfProgram seccomp;               ///< Empty when seccomp is missing.
  std::vector<LayerReport> layers;  ///< Outermost first.
  std::string refusal;              ///< Not empty: nothing may run under this policy, and why.
};

/// kInvalidInput on a confinement that means nothing (unknown system call). A missing layer is no error: it is in
/// `layers`, and in `refusal` when the confinement requires it or the network would otherwise stay open.
Result<CompiledPolicy> CompilePolicy(const Confinement& confinement, const RunFacts& facts);

/// The layer that refuses `path`, judged by the plan: "landlock" when no rule grants it, else "identity".
std::string RefusingLayer(const CompiledPolicy& policy, const std::string& path);

}  // namespace rune::sandbox
