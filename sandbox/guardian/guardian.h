#pragma once
/// Forkserver, watchdog and tree-killer of every confined command. Holds no secret, is not dumpable, and ends with its
/// client. One thread, one loop.
///
/// How trees are kept apart: each command is a child subreaper (prctl(2)), so whatever it orphans stays below it while
/// it lives. An orphan that reaches the guardian has therefore outlived its command and is killed on sight.

#include <sys/resource.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/files.h"
#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/guard/guard.h"
#include "sandbox/guardian/child.h"
#include "sandbox/guardian/compiled_policy.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/layers/identity.h"
#include "sandbox/network/resolver.h"
#include "sandbox/process_tree.h"
#include "sandbox/protocol/frames.h"

namespace rune::sandbox {

class Guardian {
 public:
  using DoneCallback = std::function<void(const DoneFrame&)>;

  /// Subreaper, SIGCHLD into the loop.
  Guardian(EventLoop& loop, DoneCallback done);
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  /// Cgroup, private /tmp and identity, once, before any child; then not dumpable.
  void Setup(const SetupFrame& frame);
  /// Compiles a policy and keeps it under its number.
  DefinedFrame Define(const DefineFrame& frame);
  /// Starts a command with these three descriptors. Failures arrive through the callback like everything else.
  void Launch(LaunchFrame frame, const std::vector<UniqueFd>& stdio);
  void Kill(const KillFrame& frame);

  /// The client removes the control groups once this process has ended.
  void LeaveCgroups() {
    if (cgroup_) cgroup_->HandOver();
  }
  /// Removes the private directory: for a client that ended without saying so.
  void RemoveTmp();
  std::size_t running() const { return calls_.size(); }
  /// SIGKILL to every tree; returns when all are reaped or `deadline` has passed.
  void KillAll(TimePoint deadline);

 private:
  struct Call {
    CommandId id = 0;
    std::uint32_t policy = 0;
    Command command;
    ChildStatus* status = nullptr;
    TimePoint started;
    TimePoint ended;
    std::optional<int> wait_status;
    rusage usage{};
    LimitHit limit = LimitHit::kNone;
    bool cancelled = false;
    std::uint32_t leftovers = 0;
    std::unique_ptr<NetworkGuard> guard;
    std::unique_ptr<ProbeTargets> probe;
    EventLoop::TimerId wall_timer = 0;
    EventLoop::TimerId grace_timer = 0;
  };

  void EnterMounts(const FileAccess& files);
  void CloseForExecution(const FileAccess& files);
  void JoinGroup(Result<RunCgroup> group);
  void SetupNetwork(const SetupFrame& frame);
  void BecomeToolUser();
  std::unique_ptr<NetworkGuard> MakeGuard(const CompiledPolicy& policy, CommandId id);
  std::uint64_t UploadedBeside(CommandId id, const std::string& target) const;
  void PlanProbe(const CompiledPolicy& policy, Call& call, ChildPlan& plan) const;
  void StartGuard(Call& call, pid_t pid);
  void EndGuard(Call& call, Report& report);
  void Fail(CommandId id, const std::string& what, int err);
  void Reap();
  bool SweepOrphans();
  enum class Orphans : std::uint8_t { kNone, kPerhaps };
  void Finish(Orphans orphans);
  ChildStatus* TakeStatus();
  Report MakeReport(const Call& call);
  LimitHit LimitOf(const Call& call);
  void AddDenial(const Call& call, Report& report) const;
  void KillTree(pid_t root);
  void KillWithGrace(pid_t root, Milliseconds grace);
  void CountTrees();
  void KillOverCpu(const std::vector<ProcessInfo>& all);
  void ScheduleCount();
  std::vector<std::string> ToolEnvironment(const Command& command) const;
  ChildPlan PlanChild(const LaunchFrame& frame, const CompiledPolicy& policy) const;

  EventLoop& loop_;
  DoneCallback done_;
  UniqueFd signal_fd_;
  RunLimits limits_;
  RunFacts facts_;
  Identity identity_;
  std::optional<RunCgroup> cgroup_;
  std::uint64_t ooms_seen_ = 0;  ///< Counters of the group, as last read.
  std::uint64_t refusals_seen_ = 0;
  std::string tmp_dir_;
  UniqueFd tmp_parent_;
  bool tmp_is_private_ = false;
  bool shm_is_private_ = false;
  bool count_trees_ = false;
  EventLoop::TimerId count_timer_ = 0;
  EventLoop::TimerId sweep_timer_ = 0;
  std::map<std::uint32_t, CompiledPolicy> policies_;
  std::optional<Resolver> resolver_;
  std::optional<UpstreamProxy> proxy_;
  UniqueFd empty_network_;
  Pipe listeners_;  ///< Ends of a socket pair through which a child hands over the listener of its filter.
  timespec started_{};
  std::map<std::string, std::uint64_t> uploaded_;  ///< Bytes sent to each target by the commands that have ended.
  std::map<pid_t, Call> calls_;
  std::vector<ChildStatus*> free_statuses_;
  std::set<pid_t> dying_;  ///< Orphans that were sent SIGKILL and are not reaped yet.
};

}  // namespace rune::sandbox
