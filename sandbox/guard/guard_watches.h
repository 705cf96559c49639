#pragma once
/// inotify(7) for a guarded command: no right of Landlock covers it, so that the guard makes the descriptors, and adds
/// the watches on its own twins of them, for what the command may read. Internal to guard.h.

#include <sys/types.h>

#include <vector>

#include "sandbox/guard/guard_state.h"

namespace rune::sandbox {

class GuardWatches {
 public:
  explicit GuardWatches(GuardState& state) : state_(state) {}

  /// False when the call is none of these: inotify_init(2), inotify_init1(2), inotify_add_watch(2).
  bool Handle(const SystemCall& call);
  void Clear() { all_.clear(); }

 private:
  /// All of them look alike (anon_inodefs). Each watches a file of ours from the beginning, by which it is known again
  /// in /proc/PID/fdinfo (proc(5)); nothing ever happens to that file.
  struct Watch {
    UniqueFd twin;
    UniqueFd mark;
    ino_t inode = 0;  ///< Of the mark.
  };
  void Make(const SystemCall& call, int flags);
  int Add(const SystemCall& call, int& watch);
  bool MayRead(const std::string& path, mode_t mode) const;
  const Watch* Find(const std::string& info) const;
  void Collect();

  GuardState& state_;
  std::vector<Watch> all_;
};

}  // namespace rune::sandbox
