#pragma once
/// Layer 1, first choice: one control group for everything a guardian runs (cgroups(7)).
/// The guardian joins it once, its children are born in it, so that a launch costs nothing extra.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/confinement.h"

namespace rune::sandbox {

class RunCgroup {
 public:
  /// Makes a group for `limits` below the nearest ancestor that can be written and has the controllers (v2), else below
  /// this process's own memory and pids groups (v1), and moves this process into it. kUnavailable with the reason when
  /// neither can be had; then nothing is left behind.
  static Result<RunCgroup> Join(const RunLimits& limits);
  /// The same in two steps: Begin() leaves the move to a child process, because it can take the kernel 10 ms (it waits
  /// for an RCU grace period), and Complete() waits for it. Nothing may be started in between. The destructor of an
  /// incomplete group completes it first.
  static Result<RunCgroup> Begin(const RunLimits& limits);
  Result<void> Complete();
  RunCgroup(RunCgroup&&) noexcept;
  RunCgroup& operator=(RunCgroup&&) noexcept;
  /// Moves this process back and removes the group (which must have no other process any more).
  ~RunCgroup();

  /// The directories of the group, for whoever removes it once this process has ended: HandOver() makes the destructor
  /// leave them alone. An exit costs less than moving back does.
  std::vector<std::string> dirs() const;
  void HandOver() { places_.clear(); }

  int version() const;  ///< 1 or 2.
  bool has_memory() const;
  bool has_pids() const;
  /// Counters since Join(): differences tell whether a limit was hit meanwhile.
  std::uint64_t oom_kills() const;
  std::uint64_t pids_refusals() const;

 private:
  RunCgroup() = default;
  struct Place {
    std::string dir;    ///< Our group.
    std::string procs;  ///< cgroup.procs of the group we came from.
    bool memory = false;
    bool pids = false;
  };
  /// Makes the group below `parent`, limits it as `place` says and moves this process from `own` into it.
  Result<void> Enter(const std::string& parent, const std::string& own, Place place, const RunLimits& limits);

  void StartMove();
  int version_ = 0;
  pid_t mover_ = 0;  ///< The child that moves us; 0 when there is none, -1 when it could not be made.
  std::vector<Place> places_;
};

}  // namespace rune::sandbox
