#pragma once
/// Has a sandbox prove itself: the probes are tried under a confinement, and the layers in force are asked for.

#include <optional>

#include "agent/run/proof.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"
#include "sandbox/sandbox.h"

namespace rune::agent {

class Prover {
 public:
  /// Borrowed; `loop` is the sandbox's. Must live as long as the loop runs.
  Prover(EventLoop& loop, sandbox::Sandbox& sandbox) : loop_(loop), sandbox_(sandbox) {}
  Prover(const Prover&) = delete;
  Prover& operator=(const Prover&) = delete;

  /// Starts the probes, if none are under way; cheap and without waiting. A failure is kept for Await().
  void Begin(const sandbox::Confinement& confinement);
  /// Waits for them, and begins if need be. kUnavailable when the sandbox cannot be had; kCancelled when the loop was
  /// interrupted or the deadline passed before. The next Await() tries anew.
  Result<Proof> Await(const sandbox::Confinement& confinement, TimePoint deadline = kNever);

 private:
  EventLoop& loop_;
  sandbox::Sandbox& sandbox_;
  std::optional<Result<sandbox::ProbeReport>> probes_;
  bool begun_ = false;  ///< The probes run, or `probes_` has what they said.
};

}  // namespace rune::agent
