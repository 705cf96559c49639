#pragma once
/// Signals where neither Landlock (before ABI 6) nor a namespace of process ids keeps them in the run: only a
/// descendant of this process gets one. To its own process a command sends by itself, since what says so stands in
/// registers and cannot change while it waits; to another the guard sends, by a pidfd that it has looked at, so that a
/// number that passes on to somebody else meets nobody. The sender is then the guardian (siginfo), and a signal to a
/// thread of another process is one to the process. Part of guard.h.

#include <sys/types.h>

#include "sandbox/guard/guard_programs.h"
#include "sandbox/guard/guard_state.h"

namespace rune::sandbox {

class GuardSignals {
 public:
  GuardSignals(GuardState& state, GuardPrograms& programs) : state_(state), programs_(programs) {}

  /// False when the call is none of these.
  bool Handle(const SystemCall& call);

 private:
  /// What is sent; the text of siginfo_t, if there is one, is read once.
  struct Signal {
    int number = 0;
    std::string info;
  };
  void ToProcess(const SystemCall& call, pid_t pid, const Signal& signal);
  void ToGroup(const SystemCall& call, pid_t group, const Signal& signal);
  void ByHandle(const SystemCall& call);
  void Queue(const SystemCall& call, pid_t pid, int number, std::uint64_t info);
  void ToThread(const SystemCall& call, pid_t thread);
  void SetOwner(const SystemCall& call);
  void Finish(const SystemCall& call, int error);

  GuardState& state_;
  GuardPrograms& programs_;
};

}  // namespace rune::sandbox
