#pragma once
/// Has the sandbox prove itself, once per conversation, before the first tool runs.

#include <optional>

#include "agent/loop/parts.h"
#include "agent/run/proof.h"

namespace rune::agent {

class Proving {
 public:
  /// Starts the probes, if that has not been done; cheap and without waiting. A failure is kept for Await().
  void Begin(const AgentParts& parts);
  /// Waits for them. kUnavailable when the sandbox cannot be had, or when an act that a required layer should have
  /// refused was possible; then the next Await() tries again. kCancelled when the loop was interrupted or the deadline
  /// passed before. Under best effort what was possible is in the proof and in a notice.
  Result<void> Await(const AgentParts& parts, TimePoint deadline);
  /// Empty before Await().
  const Proof& proof() const { return proof_; }

 private:
  std::optional<Result<sandbox::ProbeReport>> probes_;
  bool begun_ = false;  ///< The probes run, or `probes_` has what they said.
  bool proved_ = false;
  Proof proof_;
};

}  // namespace rune::agent
