#pragma once
/// What a guardian sets up once, before its first command, and what it found doing so: control group, private /tmp,
/// mounts, identity. Constant from then on; the limits, layers and places of every command follow from it.

#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/confinement.h"
#include "sandbox/guardian/compiled_policy.h"
#include "sandbox/guardian/own_sockets.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/layers/identity.h"
#include "sandbox/layers/mounts.h"
#include "sandbox/layers/rlimits.h"
#include "sandbox/protocol/frames.h"

namespace rune::sandbox {

class RunSetup {
 public:
  /// Enters what can be had and notes what cannot. Before any child; not dumpable afterwards (prctl(2)). Where the run
  /// has process ids of its own, what returns is the first of them (namespaces.h).
  RunSetup(const SetupFrame& frame, std::vector<Pin> pins);
  /// Last, when nothing needs root any more: becomes who the commands are, where a guard could not read them otherwise.
  void Settle();

  /// Without what only others know: the network's part, and `silent_exec`.
  const RunFacts& facts() const { return facts_; }
  const Identity& identity() const { return identity_; }
  const RunLimits& limits() const { return limits_; }
  /// Null: none could be had.
  const RunCgroup* group() const { return group_ ? &*group_ : nullptr; }
  /// A network namespace with nothing in it, to be entered by every command that is not left the machine's; -1: none.
  int empty_network() const { return empty_network_.get(); }
  /// Of that network, for who stays in the machine's; invalid where nobody can make them.
  const OwnSockets& own_sockets() const { return own_sockets_; }
  /// Hangs up when the process was killed that bears our number outside (EnterOwnPids()); -1: that is us.
  int placeholder() const { return placeholder_.get(); }
  /// Whose helper this is, by its number outside.
  pid_t client() const { return client_; }
  /// The private directory, as commands see it.
  const std::string& tmp() const { return tmp_; }
  /// Grants the places that are the run's own.
  void GrantOwn(FileAccess& files) const;
  /// Of a command that starts now: what no control group holds, its processes' own limits must.
  RlimitPlan Rlimits(const CommandLimits& command) const;

  /// Directories of the group, for the client to remove after LeaveGroup() and the end of this process.
  std::vector<std::string> group_dirs() const;
  void LeaveGroup();
  /// Removes the private directory: for a client that ended without saying so.
  void RemoveTmp() const;

 private:
  void ChooseIdentity(const FileAccess& files);
  void EnterMounts(const FileAccess& files, std::vector<Pin> pins);
  void ContinueWithOwnPids();
  bool ExecutesTmp(const FileAccess& files) const;
  void CloseForExecution(const FileAccess& granted);
  void JoinGroup(Result<RunCgroup> group);

  const RunLimits limits_;
  const std::string tmp_dir_;
  const pid_t client_;
  RunFacts facts_;
  Identity identity_;
  std::optional<RunCgroup> group_;
  UniqueFd tmp_parent_;
  UniqueFd tmp_lock_;
  std::string tmp_;
  bool tmp_is_private_ = false;
  Mounts mounts_;  ///< Meaningful where /tmp is private.
  UniqueFd empty_network_;
  UniqueFd placeholder_;
  OwnSockets own_sockets_;
};

}  // namespace rune::sandbox
