#pragma once
/// Layer 1, first choice: one control group for everything a guardian runs (cgroups(7)).
/// The guardian joins it once, its children are born in it, so that a launch costs nothing extra.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/confinement.h"
#include "sandbox/layers/cgroup_limits.h"
#include "sandbox/layers/cgroup_paths.h"

namespace rune::sandbox {

class RunCgroup {
 public:
  /// Makes a group for `limits` and moves this process into it. Version 2: below the nearest group, from this process's
  /// own up, that can be written and hands on the controllers. A group that has processes hands on nothing, so that it
  /// is beside the own one as a rule, and takes along what limits the groups that it leaves (cgroup_limits.h). Version
  /// 1: below this process's own memory and pids groups. kUnavailable with the reason when neither can be had; then
  /// nothing is left behind. What a killed guardian left in its group is killed.
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

  /// Moves this process alone back to where it came from; the group stays. For one that does nothing any more.
  void Quit() const;

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
  /// Processor time of all that ever ran in the group, waited for or not, in microseconds; none where it is not
  /// counted.
  std::optional<std::uint64_t> cpu_us() const;

 private:
  RunCgroup() = default;
  struct Place {
    std::string dir;    ///< Our group.
    std::string procs;  ///< cgroup.procs of the group we came from.
    bool memory = false;
    bool pids = false;
    bool cpu = false;  ///< Counts processor time.
  };
  /// Makes the group below `parent`, limits it as `place` says, for a move from `own`.
  Result<void> Enter(const std::string& parent, const std::string& own, Place place, const CgroupLimits& limits);
  Result<void> Fill(const Place& place, const CgroupLimits& limits) const;
  Result<void> EnterV2(const CgroupTexts& texts, const RunLimits& limits);
  Result<void> EnterV1(const CgroupTexts& texts, const std::string& controller, const RunLimits& limits);

  void StartMove();
  int version_ = 0;
  pid_t mover_ = 0;  ///< The child that moves us; 0 when there is none, -1 when it could not be made.
  std::vector<Place> places_;
};

}  // namespace rune::sandbox
