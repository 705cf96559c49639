#include "agent/loop/proving.h"

#include <algorithm>

namespace rune::agent {
namespace {

bool RequiredIsOpen(const Proof& proof, const PolicyConfig& policy) {
  return std::any_of(proof.layers.begin(), proof.layers.end(), [&](const sandbox::LayerReport& layer) {
    return sandbox::Requires(policy.enforcement, policy.required_layers, layer) &&
           !OpenActOf(proof, layer.layer).empty();
  });
}

}  // namespace

void Proving::Begin() {
  if (!proved_) prover_.Begin(parts_.policy.ForCommand({}, Approved::kNo));
}

Result<void> Proving::Await(TimePoint deadline) {
  if (proved_) return Ok();
  RUNE_ASSIGN_OR_RETURN(proof_, prover_.Await(parts_.policy.ForCommand({}, Approved::kNo), deadline));
  const std::string open = OpenActs(proof_);
  if (RequiredIsOpen(proof_, parts_.policy.config()))
    return Error{ErrorKind::kUnavailable, "the confinement does not hold: a command can " + open};
  proved_ = true;
  if (!open.empty()) parts_.observer.OnNotice("under this confinement a command can " + open);
  return Ok();
}

}  // namespace rune::agent
