#pragma once
/// The home directory of each command: what it leaves there (.gitconfig, .bashrc, Python's usercustomize.py) would be
/// run by the next one.

#include <sys/types.h>

#include <string>

namespace rune::sandbox {

class CallHomes {
 public:
  /// Directories below `parent`, where commands may write, are made and removed with the rights of `user`, who they
  /// are.
  CallHomes(std::string parent, uid_t user);

  /// An empty directory of mode 0700 for a command that starts, under a name that no earlier command could have
  /// prepared, or the one that the command before left as it got it: making one costs a journalled file system as much
  /// as half a launch. "/nonexistent" when none can be made: never a place that others have written.
  std::string Take();
  /// The command has ended: removes what it left.
  void Return(const std::string& home);

 private:
  const std::string parent_;
  const uid_t user_;
  int taken_ = 0;
  std::string untouched_;  ///< Put back when no command ran; empty: none.
};

}  // namespace rune::sandbox
