#pragma once
/// What a guarded command executes, and what it should not have called: noted, never decided here. Internal to guard.h.

#include <set>
#include <string>
#include <vector>

#include "sandbox/guard/guard_state.h"

namespace rune::sandbox {

class GuardPrograms {
 public:
  explicit GuardPrograms(GuardState& state) : state_(state) {}

  /// execve(2), execveat(2). Always goes on: Landlock decides, by the file and not by the path.
  void Execute(const SystemCall& call);
  /// A file that is mapped for execution. Not a boundary against code that runs already, which can do without; it keeps
  /// the dynamic loader from running what a command has only written.
  void Map(const SystemCall& call);
  /// A system call that is refused whatever it wants.
  void RefuseSyscall(const SystemCall& call);
  /// Watch-only: what was run, in order, once each; at most 1,024.
  const std::vector<std::string>& programs() const { return programs_; }

 private:
  void Note(const std::string& path, int depth);
  void NoteRefused(const std::string& path);

  GuardState& state_;
  std::vector<std::string> programs_;
  std::set<std::string> seen_;
};

}  // namespace rune::sandbox
