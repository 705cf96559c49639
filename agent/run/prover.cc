#include "agent/run/prover.h"

#include <algorithm>
#include <utility>

namespace rune::agent {
namespace {

/// For probes that take milliseconds.
constexpr std::chrono::seconds kPatience{10};

}  // namespace

void Prover::Begin(const sandbox::Confinement& confinement) {
  if (std::exchange(begun_, true)) return;
  auto started = sandbox_.Probe(confinement, [this](Result<sandbox::ProbeReport> done) { probes_ = std::move(done); });
  if (!started.ok()) probes_ = std::move(started).error();
}

Result<Proof> Prover::Await(const sandbox::Confinement& confinement, TimePoint deadline) {
  Begin(confinement);
  const auto wake =
      loop_.RunUntil([this] { return probes_.has_value(); }, std::min(deadline, Clock::now() + kPatience));
  if (wake == EventLoop::Wake::kInterrupted || (wake == EventLoop::Wake::kDeadline && Clock::now() >= deadline))
    return Error{ErrorKind::kCancelled, "the sandbox has not proved itself yet"};
  if (!probes_) return Error{ErrorKind::kUnavailable, "the sandbox did not prove itself in time"};
  begun_ = false;
  Proof proof;
  RUNE_ASSIGN_OR_RETURN(proof.probes, *std::exchange(probes_, std::nullopt));
  RUNE_ASSIGN_OR_RETURN(proof.layers, sandbox_.Layers(confinement));
  return proof;
}

}  // namespace rune::agent
