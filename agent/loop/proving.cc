#include "agent/loop/proving.h"

#include <algorithm>

namespace rune::agent {
namespace {

constexpr std::chrono::seconds kPatience{10};

/// Of the acts that were possible: one in a layer that the policy requires.
bool RequiredIsOpen(const Proof& proof, const PolicyConfig& policy) {
  if (policy.enforcement != sandbox::Enforcement::kRequire) return false;
  const auto& named = policy.required_layers;
  return std::any_of(proof.probes.results.begin(), proof.probes.results.end(), [&](const auto& result) {
    const bool required = named.empty() || std::find(named.begin(), named.end(), result.layer) != named.end();
    return required && result.state == sandbox::ProbeState::kOpen;
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
  RUNE_ASSIGN_OR_RETURN(proof_.layers, parts.sandbox.Layers(parts.policy.ForCommand({}, Approved::kNo)));
  parts.loop.RunUntil([this] { return probes_.has_value(); }, std::min(deadline, Clock::now() + kPatience));
  if (parts.loop.interrupted_by()) return Ok();  // the caller looks for itself
  if (!probes_) return Error{ErrorKind::kUnavailable, "the sandbox did not prove itself in time"};
  if (!probes_->ok()) return probes_->error();
  proof_.probes = **probes_;
  proved_ = true;
  const std::string open = OpenActs(proof_);
  if (open.empty()) return Ok();
  if (RequiredIsOpen(proof_, parts.policy.config()))
    return Error{ErrorKind::kUnavailable, "the confinement does not hold: a command can " + open};
  parts.observer.OnNotice("under this confinement a command can " + open);
  return Ok();
}

}  // namespace rune::agent
