#pragma once
/// Forkserver, watchdog and tree-killer of every confined command. Holds no secret, is not dumpable, and ends with its
/// client. One thread, one loop. What a frame asks for is done by three: what was set up once (run_setup.h), the
/// network of the run (run_network.h) and the trees of its commands (trees.h).

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/guardian/call_homes.h"
#include "sandbox/guardian/compiled_policy.h"
#include "sandbox/guardian/confined_child.h"
#include "sandbox/guardian/process_trees.h"
#include "sandbox/guardian/run_network.h"
#include "sandbox/guardian/run_setup.h"
#include "sandbox/protocol/frames.h"
#include "sandbox/repositories/git_watch.h"

namespace rune::sandbox {

class Guardian {
 public:
  using DoneCallback = std::function<void(const DoneFrame&)>;

  /// Sets the run up. Before any child.
  Guardian(EventLoop& loop, const SetupFrame& frame, DoneCallback done);
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  /// Compiles a policy and keeps it under its number.
  DefinedFrame Define(const DefineFrame& frame);
  /// Starts a command with these three descriptors. Failures arrive through the callback like everything else.
  void Launch(LaunchFrame frame, const std::vector<UniqueFd>& stdio);
  void Kill(const KillFrame& frame);

  /// SIGKILL to every tree; returns when all are reaped or `deadline` has passed.
  void KillAll(TimePoint deadline) { trees_.KillAll(deadline); }
  /// The client removes the control groups once this process has ended.
  void LeaveGroup() { setup_.LeaveGroup(); }
  /// Removes the private directory: for a client that ended without saying so.
  void RemoveTmp() const { setup_.RemoveTmp(); }

 private:
  struct Call {
    CommandId id = 0;
    std::uint32_t policy = 0;
    Command command;
    ChildStatus* status = nullptr;
    std::unique_ptr<ProbeTargets> probe;
    std::string home;  ///< Of a command that is executed.
  };

  Result<CompiledPolicy> Compile(Confinement confinement);
  std::vector<std::string> ToolEnvironment(const Call& call) const;
  ChildPlan PlanChild(const Command& command, const CompiledPolicy& policy) const;
  void PlanProbe(const CompiledPolicy& policy, Call& call, ChildPlan& plan) const;
  /// `plan` borrows from `call`, which is taken over once the child runs.
  void Start(Call& call, ChildPlan& plan);
  void OnEnded(pid_t root, const EndedTree& tree);
  void AddDenial(const Call& call, Report& report) const;
  /// What a command changed of what makes git run programs: taken back, and said.
  void LookAtRepositories(const Call& call, Report& report);
  std::vector<Pin> PinsFor(const SetupFrame& frame);
  WriteRules RulesFor(const CompiledPolicy& policy) const;
  void Fail(CommandId id, const std::string& what, int err);
  ChildStatus* TakeStatus();

  DoneCallback done_;
  std::map<std::uint32_t, CompiledPolicy> policies_;
  FirstMeanings first_meanings_;
  GitWatch repositories_;
  RunSetup setup_;
  RunNetwork network_;
  CallHomes homes_;
  Trees trees_;
  const RunFacts facts_;
  std::map<pid_t, Call> calls_;  ///< By the root of their tree.
  std::vector<ChildStatus*> free_statuses_;
};

}  // namespace rune::sandbox
