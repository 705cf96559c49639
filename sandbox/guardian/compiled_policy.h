#pragma once
/// A Confinement made ready: BPF program and Landlock ruleset are built once and only attached per command.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/confinement.h"
#include "sandbox/denial.h"
#include "sandbox/domain_allowlist.h"
#include "sandbox/guard/held_trees.h"
#include "sandbox/layers/landlock.h"
#include "sandbox/layers/seccomp.h"
#include "sandbox/protected_names.h"

namespace rune::sandbox {

/// What the guardian as a whole could get; part of every policy's report.
struct RunFacts {
  std::string cgroup;               ///< "cgroup v1 (memory, pids)"; empty when there is none.
  std::string no_cgroup;            ///< Why there is none, or only half of one.
  bool buffers_counted = false;     ///< What the kernel holds for sockets is the group's.
  std::string identity;             ///< Identity::mechanism
  std::string no_guard;             ///< WhyNoGuard(): why the network can only be closed. Empty: it can be guarded.
  bool empty_network = false;       ///< Commands are put into a network namespace with nothing in it, besides.
  std::uint64_t silent_exec = 0;    ///< SeccompPolicy::silent_exec
  bool own_ipc = false;             ///< System V and POSIX IPC reach nobody outside.
  bool own_pids = false;            ///< Commands have process ids of their own: no signal leaves the run.
  std::vector<pid_t> out_of_reach;  ///< The guardian and its client. Empty with `own_pids`.
  std::vector<std::string> never_executed;  ///< Trees that are mounted so that nothing in them can be (noexec).
};

/// A single file that commands may both write and execute, as it was when the rules were made: a rule of Landlock is
/// one on the file, and who builds a program makes a new one in its place.
struct WrittenProgram {
  std::string path;
  std::uint64_t device = 0;  ///< Both 0: it was not there.
  std::uint64_t inode = 0;

  bool operator==(const WrittenProgram&) const = default;
};

struct CompiledPolicy {
  Confinement asked;                     ///< For the guardian, that makes it again when it IsStale().
  Confinement confinement;               ///< Its files by ResolveAccess().
  std::vector<std::string> write_roots;  ///< What was written down as writable: real paths, whether there or not.
  HeldTrees trees;                       ///< Of its files.
  std::vector<WrittenProgram> programs;  ///< Those of its files.
  LandlockRuleset landlock;              ///< fd invalid when Landlock is missing.
  BpfProgram guarded;                    ///< For commands, with a listener. Empty when there is no guard.
  BpfProgram unguarded;                  ///< For file operations, and for commands without a guard. Empty: no seccomp.
  DomainAllowlist domains;               ///< Of a guarded network.
  std::vector<LayerReport> layers;       ///< Outermost first.
  std::string refusal;                   ///< Not empty: nothing may run under this policy, and why.
};

/// Names of trees that may be written, and of grants inside of them, and where each led when a run first heard it.
using FirstMeanings = std::map<std::string, std::string>;
/// Takes out of `files` every grant whose name leads elsewhere by now: in between, commands have run that could put a
/// link into its place. A name that is new is noted.
void KeepFirstMeanings(FirstMeanings& first, FileAccess& files);

/// kInvalidInput on a confinement that means nothing (unknown system call). A missing layer is no error: it is in
/// `layers`, and in `refusal` when the confinement requires it or the network would otherwise stay open.
Result<CompiledPolicy> CompilePolicy(const Confinement& confinement, const RunFacts& facts);

/// True when one of its `programs` is another file by now.
bool IsStale(const CompiledPolicy& policy);

/// Whether Landlock lets a command execute `path`, judged by the plan.
bool MayExecute(const CompiledPolicy& policy, const std::string& path);

/// False for a file, named by its real path, that a command may write and not execute.
bool MayMap(const CompiledPolicy& policy, const std::string& file);

/// The refusal of kExec, kRead or kWrite on `path`, judged by the plan: Landlock's when no rule grants it, else that of
/// the command's identity. The remedy of a write is the file, or what is there of the directories above it.
Denial DenialOf(const CompiledPolicy& policy, DeniedAct act, const std::string& path);

/// What a file operation leaves alone under this confinement.
ProtectedNames NamesOf(const Confinement& confinement);

/// The refusal of a write to what is protected, with the entry that opens just that.
Denial ProtectedDenial(const CompiledPolicy& policy, const std::string& path);

}  // namespace rune::sandbox
