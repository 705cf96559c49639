#pragma once
/// The confined child: one readable list of steps from fork(2) to execve(2).

#include <signal.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/command.h"
#include "sandbox/confinement.h"
#include "sandbox/guardian/compiled_policy.h"
#include "sandbox/guardian/file_operations.h"
#include "sandbox/guardian/probes.h"
#include "sandbox/guardian/program_copy.h"
#include "sandbox/layers/identity.h"
#include "sandbox/layers/rlimits.h"

namespace rune::sandbox {

/// The steps, in order. The child notes where it is, so that a failure has a name.
enum class Stage : int {
  kStart,
  kSession,
  kStdio,
  kLimits,
  kNetwork,
  kIdentity,
  kTie,
  kDirectory,
  kLandlock,
  kProgram,
  kSeccomp,
  kExec,
  kRunning
};
std::string_view StageName(Stage stage);

/// Memory that guardian and one child share: no pipe, no descriptor to leak.
struct ChildStatus {
  Stage stage = Stage::kStart;
  int error = 0;  ///< errno of the stage that failed; 0 while none has.
  ProgramCopy copy;
  ProbeOutcomes outcomes;
};

/// Everything the child needs, made before the fork: between fork and exec nothing is allocated.
struct ChildPlan {
  Command::Kind kind = Command::Kind::kExec;
  std::string program;      ///< Path to execute.
  bool as_opened = false;   ///< Command::as_opened
  std::vector<char*> argv;  ///< NULL-terminated, borrowed.
  std::vector<char*> env;   ///< NULL-terminated, borrowed.
  const char* cwd = "/";
  int stdio[3] = {-1, -1, -1};
  const CompiledPolicy* policy = nullptr;
  Identity identity;
  RlimitPlan rlimits;
  std::vector<std::string> operation;   ///< argv of a kBuiltin ...
  WriteRules write_rules;               ///< ... and what it leaves alone.
  const ProbeTargets* probe = nullptr;  ///< Of a kProbe.
  ProbeOutcomes* outcomes = nullptr;    ///< The same, in `status`.
  ChildStatus* status = nullptr;
  pid_t guardian = 0;
  int empty_network = -1;    ///< Network namespace to enter; -1: none.
  int listener_socket = -1;  ///< Where the listener of the filter goes (SCM_RIGHTS); -1: a filter without one.
};

/// Return address of the execve(2) that starts a command: SeccompPolicy::silent_exec.
std::uint64_t CommandExecSite();

/// Signals that a guardian behind a socket ignores: its client ends it by closing the socket.
inline constexpr int kIgnoredByGuardian[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};

/// Starts the child; -1 and errno when it cannot. For a kExec, returns once the program runs or a stage has failed.
pid_t StartChild(const ChildPlan& plan);
/// Runs in the child. Does not return. Must not allocate or lock: the memory may still be the guardian's.
[[noreturn]] void RunChild(const ChildPlan& plan);

}  // namespace rune::sandbox
