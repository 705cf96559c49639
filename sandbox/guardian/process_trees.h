#pragma once
/// The process trees of the commands that run: watches, counts and kills them, and says when nothing of one is left.
/// Knows process ids, limits and the counters of a control group; what runs in a tree, and why, is others' business.
///
/// How trees are kept apart: each root is a child subreaper (prctl(2)), so whatever it orphans stays below it while it
/// lives. An orphan that reaches this process has therefore outlived its root and is killed on sight.

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/confinement.h"
#include "sandbox/guardian/cpu_account.h"
#include "sandbox/guardian/disk_use.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/process_list.h"
#include "sandbox/report.h"

namespace rune::sandbox {

/// Whose the System V objects are that this process sees.
enum class SystemV : std::uint8_t { kOfTheMachine, kOfTheRun };

struct TreeOptions {
  TimePoint started;
  Milliseconds wall{0};           ///< 0: none.
  std::uint32_t cpu_seconds = 0;  ///< Of the whole tree. 0: none.
  bool tries_limits = false;      ///< Runs into the limits on purpose: nobody is told that it did.
};

/// A tree of which nothing is left.
struct EndedTree {
  int status = 0;                    ///< Of its root (wait(2)).
  rusage usage{};                    ///< Of its root, and of what that waited for.
  std::chrono::microseconds cpu{0};  ///< Of the whole tree, waited for or not (cpu_account.h).
  Clock::duration wall{0};           ///< Until the root ended.
  LimitHit limit = LimitHit::kNone;
  bool cancelled = false;
  std::uint32_t oom_kills = 0;      ///< Report::oom_kills
  std::uint32_t forks_refused = 0;  ///< Report::forks_refused
  std::uint32_t leftovers = 0;      ///< Processes that outlived the root and were killed.
};

class Trees {
 public:
  /// Called from the loop.
  using EndedCallback = std::function<void(pid_t root, const EndedTree& tree)>;

  /// Makes this process a subreaper and takes its SIGCHLD: every child that is no root is killed as an orphan. `group`
  /// (borrowed, null: none) holds the limits of the run as far as it can; the rest is counted every 50 ms.
  Trees(EventLoop& loop, const RunLimits& limits, const RunCgroup* group, SystemV system_v, EndedCallback ended);
  ~Trees();
  Trees(const Trees&) = delete;
  Trees& operator=(const Trees&) = delete;

  /// `root` is a child of this process that nobody has waited for.
  void Add(pid_t root, const TreeOptions& options);
  /// Where commands may write: what they take there counts against the limit of the run (disk_use.h).
  void WatchDisk(const std::vector<std::string>& places) { disk_.Watch(places); }
  /// SIGTERM to the whole tree, SIGKILL after `grace`; SIGKILL at once without one. `limit` is what it hit, kNone: it
  /// is cancelled. Nothing when the root has ended.
  void Kill(pid_t root, LimitHit limit, Milliseconds grace = Milliseconds(0));
  /// SIGKILL to every tree; returns when all are reaped or `deadline` has passed.
  void KillAll(TimePoint deadline);

 private:
  struct Root {
    TreeOptions options;
    std::optional<TimePoint> ended;
    EndedTree tree;
    EventLoop::TimerId wall_timer = 0;
    EventLoop::TimerId grace_timer = 0;
  };
  enum class Orphans : std::uint8_t { kNone, kPerhaps };

  void Reap();
  bool SweepOrphans();
  void Finish(Orphans orphans);
  void Conclude(std::map<pid_t, Root>::iterator root);
  void CountLimits(Root& root);
  static LimitHit LimitOf(const Root& root);
  void Count();
  void KillOverCpu();
  void KillLargest(const std::vector<ProcessInfo>& all);
  void ScheduleCount();
  pid_t OwnerOfOrphans() const;
  void ScheduleDisk();
  void LookAtDisk();
  void OnDiskCounted(int status);

  EventLoop& loop_;
  const RunLimits limits_;
  const RunCgroup* group_;
  EndedCallback ended_;
  UniqueFd signal_fd_;
  const SystemV system_v_;
  const bool counts_;            ///< A limit of the run is held by counting alone.
  std::uint64_t ooms_seen_ = 0;  ///< Counters of the group, as told of so far.
  std::uint64_t refusals_seen_ = 0;
  CpuAccount cpu_;
  DiskUse disk_;
  pid_t disk_counter_ = 0;  ///< The child that counts; 0: none.
  EventLoop::TimerId disk_timer_ = 0;
  EventLoop::TimerId count_timer_ = 0;
  EventLoop::TimerId sweep_timer_ = 0;
  std::map<pid_t, Root> roots_;
  std::set<pid_t> dying_;  ///< Orphans that were sent SIGKILL and are not reaped yet.
};

}  // namespace rune::sandbox
