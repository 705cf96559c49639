#include "sandbox/guardian/compiled_policy.h"

#include <algorithm>

#include "sandbox/base/files.h"

namespace rune::sandbox {
namespace {

LayerReport LimitsReport(const RunFacts& facts) {
  LayerReport report{Layer::kLimits, LayerState::kEnforced, "", ""};
  if (facts.cgroup.empty()) {
    report.state = LayerState::kDegraded;
    report.mechanism = "rlimits, tree counted every 50 ms";
    report.why = "memory and pids can be exceeded between two counts: " + facts.no_cgroup;
    return report;
  }
  report.mechanism = facts.cgroup + ", rlimits";
  if (!facts.no_cgroup.empty()) {
    report.state = LayerState::kDegraded;
    report.why = facts.no_cgroup;
  }
  return report;
}

LayerReport LandlockReport(const CompiledPolicy& policy, const std::string& missing, const std::string& identity) {
  if (!policy.landlock.fd.valid()) return {Layer::kLandlock, LayerState::kMissing, identity, missing};
  std::string mechanism = "Landlock ABI " + std::to_string(policy.landlock.abi);
  if (!identity.empty()) mechanism += ", " + identity;
  const LayerState state = policy.landlock.lacks.empty() ? LayerState::kEnforced : LayerState::kDegraded;
  return {Layer::kLandlock, state, mechanism, policy.landlock.lacks};
}

/// The refusal of a confinement that demands more than there is; empty when it may run.
std::string Demand(const CompiledPolicy& policy) {
  if (policy.confinement.enforcement != Enforcement::kRequire) return "";
  const auto& required = policy.confinement.required;
  for (const LayerReport& report : policy.layers) {
    const bool named = std::find(required.begin(), required.end(), report.layer) != required.end();
    // Without a list every layer is required, except one that the policy itself leaves open.
    if (!named && (!required.empty() || report.state == LayerState::kOff)) continue;
    if (report.state == LayerState::kEnforced) continue;
    std::string text =
        "required layer '" + std::string(LayerName(report.layer)) + "' is " + std::string(LayerStateName(report.state));
    if (!report.why.empty()) text += ": " + report.why;
    return text;
  }
  return "";
}

bool Covers(const std::vector<std::string>& roots, const std::string& path) {
  return std::any_of(roots.begin(), roots.end(),
                     [&](const std::string& root) { return IsBelow(path, NormalizePath(root, "/")); });
}

}  // namespace

Result<CompiledPolicy> CompilePolicy(const Confinement& confinement, const RunFacts& facts) {
  CompiledPolicy policy;
  policy.confinement = confinement;

  std::string no_landlock;
  if (auto landlock = BuildLandlock(confinement); landlock.ok()) {
    policy.landlock = std::move(landlock).value();
  } else if (landlock.error().kind == ErrorKind::kUnavailable) {
    no_landlock = landlock.error().message;
  } else {
    return std::move(landlock).error();
  }
  if (SeccompAvailable()) {
    RUNE_ASSIGN_OR_RETURN(policy.seccomp, CompileSeccomp({.network = confinement.network,
                                                          .denied_syscalls = confinement.denied_syscalls}));
  }

  const bool filtered = !policy.seccomp.empty();
  const bool closed = confinement.network == Network::kClosed;
  LayerReport network{Layer::kNetwork, LayerState::kOff, "open by policy", ""};
  LayerReport names{Layer::kNames, LayerState::kOff, "open by policy", ""};
  if (closed && filtered) {
    network = {Layer::kNetwork, LayerState::kEnforced, "closed: no internet socket can be made", ""};
    names = {Layer::kNames, LayerState::kEnforced, "closed: no resolver can be reached", ""};
  } else if (closed) {
    network = {Layer::kNetwork, LayerState::kMissing, "", "the kernel offers no seccomp filter"};
    names = {Layer::kNames, LayerState::kMissing, "", "the kernel offers no seccomp filter"};
    policy.refusal = "the network cannot be closed: the kernel offers no seccomp filter";
  }
  LayerReport seccomp{Layer::kSeccomp, LayerState::kMissing, "", "the kernel offers no seccomp filter"};
  if (filtered) seccomp = {Layer::kSeccomp, LayerState::kEnforced, "allow-list of system calls", ""};

  policy.layers = {LimitsReport(facts), network, seccomp, LandlockReport(policy, no_landlock, facts.identity), names};
  if (policy.refusal.empty()) policy.refusal = Demand(policy);
  return policy;
}

std::string RefusingLayer(const CompiledPolicy& policy, const std::string& path) {
  const FileAccess& files = policy.confinement.files;
  const bool granted = (Covers(files.read, path) || Covers(files.write, path) || Covers(files.execute, path)) &&
                       !Covers(files.denied, path) && !Covers(files.list_only, path);
  return granted ? "identity" : std::string(LayerName(Layer::kLandlock));
}

}  // namespace rune::sandbox
