#pragma once
/// Layer 1 in every environment: setrlimit(2). Per process, except RLIMIT_NPROC (per uid; without effect on uid 0).

#include <cstdint>

#include "sandbox/confinement.h"

namespace rune::sandbox {

struct RlimitPlan {
  CommandLimits command;
  std::uint64_t data_bytes = 0;  ///< RLIMIT_DATA; 0: none. Set when no cgroup bounds memory.
  std::uint64_t processes = 0;   ///< RLIMIT_NPROC; 0: none. Set when no cgroup bounds pids and the uid is not 0.
};
/// Returns 0 or errno. Also: no core file, MEMLOCK 64 KiB, MSGQUEUE 0, STACK at most 64 MiB hard. Never raises a limit.
int ApplyRlimits(const RlimitPlan& plan);
/// Threads that `uid` has now, for RLIMIT_NPROC; counted in /proc.
std::uint64_t CountThreadsOf(unsigned uid);

}  // namespace rune::sandbox
