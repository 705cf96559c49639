#pragma once
/// Which Unix sockets with a path (unix(7)) a command may connect to, and a hold on such a socket that its path cannot
/// be swapped under.

#include <sys/types.h>
#include <time.h>

#include <string>

#include "sandbox/base/unique_fd.h"
#include "sandbox/guard/held_trees.h"

namespace rune::sandbox {

struct UnixSocketRules {
  const HeldTrees* trees = nullptr;  ///< Borrowed. A socket must lie where the command may write.
  uid_t owner = 0;  ///< Whose sockets may be reached, with whose rights paths are walked, and who connects.
  gid_t group = 0;
  bool every = false;  ///< Watch-only.
  /// Only sockets that are younger: what lies in a shared directory from before the run belongs to others of the same
  /// user (agents of ssh and gpg, terminal multiplexers). CLOCK_REALTIME.
  timespec since{};
};

struct UnixSocket {
  UniqueFd place;    ///< O_PATH: the very socket that was checked.
  int error = 0;     ///< EACCES when the rules refuse it; else as the kernel says (ENOENT, ...).
  std::string path;  ///< As far as it is known, for the report.
};
/// `directory`: where a relative path starts. No magic links of proc(5) on the way (openat2(2); ENOSYS before 5.6).
UnixSocket FindUnixSocket(const UnixSocketRules& rules, int directory, const std::string& path);

/// connect(2) to it, as the owner. 0 or an errno; EACCES when who listens there is no command of ours: only for these
/// have we called listen(2) ourselves. `socket` is of no use then.
int ConnectUnix(const UnixSocketRules& rules, int socket, const UniqueFd& place);

}  // namespace rune::sandbox
