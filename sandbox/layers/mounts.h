#pragma once
/// The mount namespace of a run (mount_namespaces(7)): entered once by the guardian, inherited by every command, so
/// that a launch costs nothing extra. With it come what else a run can have of its own: objects of System V (ipc),
/// terminals and, by namespaces.h, process ids.

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/base/result.h"

namespace rune::sandbox {

/// A file or directory that is mounted over itself: what is a mount point can be neither renamed nor removed nor
/// replaced (EBUSY), and what lies in a directory of that kind goes on working.
struct Pin {
  enum class Access : std::uint8_t { kAsItIs, kReadOnly };
  std::string path;  ///< A real one (realpath(3)). Skipped when it is not there.
  Access access = Access::kAsItIs;
};

struct MountsRequest {
  std::string tmp;                          ///< Directory that becomes /tmp (nosuid, nodev, noexec).
  std::vector<std::string> keep;            ///< Existing paths below the real /tmp stay visible at their place ...
  std::vector<std::string> keep_read_only;  ///< ... these for reading only, for a grant of /tmp reaches into them.
  std::vector<Pin> pins;                    ///< In this order, after everything else: what lies in another comes later.
  bool tmp_executable = false;              ///< So that what is written there can be executed.
};

/// What could be had beside the private /tmp.
struct Mounts {
  bool ipc = false;                 ///< Shared memory, semaphores and queues of System V (ipc_namespaces(7)).
  bool shm = false;                 ///< An empty /dev/shm.
  bool terminals = false;           ///< /dev/pts with nothing in it, and a /dev/ptmx that leads there.
  std::string no_pids;              ///< Why EnterOwnPids() must not be called. Empty: it will succeed.
  std::vector<std::string> pinned;  ///< Paths of the pins that hold.
};

/// Unshares the mount namespace (as root with CAP_SYS_ADMIN directly, else through a user namespace that maps this uid
/// and gid to themselves) and makes the mounts in it. kUnavailable with the reason; then nothing has changed. Call
/// before any other thread or child exists, while this process is dumpable (prctl(2)).
Result<Mounts> EnterMounts(const MountsRequest& request);

}  // namespace rune::sandbox
