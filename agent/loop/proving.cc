#include "agent/loop/proving.h"

#include <algorithm>

namespace rune::agent {
namespace {

/// Of the acts that were possible: one in a layer that the policy requires.
bool RequiredIsOpen(const Proof& proof, const PolicyConfig& policy) {
  return std::any_of(proof.layers.begin(), proof.layers.end(), [&](const sandbox::LayerReport& layer) {
    if (!sandbox::Requires(policy.enforcement, policy.required_layers, layer)) return false;
    const auto& results = proof.probes.results;
    return std::any_of(results.begin(), results.end(), [&](const sandbox::ProbeResult& result) {
      return result.layer == layer.layer && result.state == sandbox::ProbeState::kOpen;
    });
  });
}

}  // namespace

void Proving::Begin(const AgentParts& parts) {
  if (std::exchange(begun_, true)) return;
  const sandbox::Confinement confinement = parts.policy.ForCommand({}, Approved::kNo);
  auto started =
      parts.sandbox.Probe(confinement, [this](Result<sandbox::ProbeReport> done) { probes_ = std::move(done); });
  if (!started.ok()) probes_ = std::move(started).error();
}

Result<void> Proving::Await(const AgentParts& parts, TimePoint deadline) {
  if (proved_) return Ok();
  Begin(parts);
  const auto wake =
      parts.loop.RunUntil([this] { return probes_.has_value(); }, std::min(deadline, Clock::now() + kProbePatience));
  if (wake == EventLoop::Wake::kInterrupted || (wake == EventLoop::Wake::kDeadline && Clock::now() >= deadline))
    return Error{ErrorKind::kCancelled, "the sandbox has not proved itself yet"};
  if (!probes_) return Error{ErrorKind::kUnavailable, "the sandbox did not prove itself in time"};
  // Whatever they say, only success is remembered: the next prompt may find a sandbox that has recovered.
  begun_ = false;
  RUNE_ASSIGN_OR_RETURN(proof_.probes, *std::exchange(probes_, std::nullopt));
  RUNE_ASSIGN_OR_RETURN(proof_.layers, parts.sandbox.Layers(parts.policy.ForCommand({}, Approved::kNo)));
  const std::string open = OpenActs(proof_);
  if (RequiredIsOpen(proof_, parts.policy.config()))
    return Error{ErrorKind::kUnavailable, "the confinement does not hold: a command can " + open};
  proved_ = true;
  if (!open.empty()) parts.observer.OnNotice("under this confinement a command can " + open);
  return Ok();
}

}  // namespace rune::agent
