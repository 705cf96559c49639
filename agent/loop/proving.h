#pragma once
/// The proof of a conversation: once, before its first tool runs, and what follows from it.

#include "agent/loop/parts.h"
#include "agent/run/prover.h"

namespace rune::agent {

class Proving {
 public:
  explicit Proving(const AgentParts& parts) : parts_(parts), prover_(parts.loop, parts.sandbox) {}

  /// Starts the probes, if that has not been done.
  void Begin();
  /// Waits for them. Besides the errors of Prover::Await(): kUnavailable when an act that a required layer should have
  /// refused was possible. Only success is remembered: the next prompt may find a sandbox that has recovered. Under
  /// best effort what was possible is in the proof and in a notice.
  Result<void> Await(TimePoint deadline);
  /// Empty before Await().
  const Proof& proof() const { return proof_; }

 private:
  AgentParts parts_;
  Prover prover_;
  bool proved_ = false;
  Proof proof_;
};

}  // namespace rune::agent
