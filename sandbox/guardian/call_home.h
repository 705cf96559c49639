#pragma once
/// The home directory of one command: what it leaves there (.gitconfig, .bashrc, Python's usercustomize.py) would be
/// run by the next one.

#include <sys/types.h>

#include <string>

namespace rune::sandbox {

class CallHome {
 public:
  /// Makes a directory of mode 0700 below `parent`, where commands may write, with the rights of `user`, who they are,
  /// and under a name that no earlier command could have prepared. path() is "/nonexistent" when that failed:
  /// never a place that others have written.
  CallHome(const std::string& parent, uid_t user);
  /// Removes it with what is in it, with the same rights.
  ~CallHome();
  CallHome(const CallHome&) = delete;
  CallHome& operator=(const CallHome&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  uid_t user_;
};

}  // namespace rune::sandbox
