#pragma once
/// The processes below us, as /proc shows them (proc(5)).

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "sandbox/base/event_loop.h"

namespace rune::sandbox {

struct ProcessInfo {
  pid_t parent = 0;
  pid_t pid = 0;
  char state = '?';
  std::uint32_t threads = 0;
  std::uint64_t private_bytes = 0;  ///< Resident memory of its own and shared memory; no pages of files.
  std::uint32_t fd_slots = 0;       ///< Never fewer than it has descriptors.
};

/// False without a /proc that shows this process: then no tree can be found, and none be killed.
bool CanSeeProcesses();
/// Every process that can be seen.
std::vector<ProcessInfo> ListProcesses();
/// Direct children of this process, zombies included. From /proc/self/task/*/children, or a scan where that is missing.
std::vector<pid_t> ChildrenOfSelf();

/// Kills the children of a process that took the duty of a subreaper (prctl(2)), which is how it has children that it
/// did not start itself. Nothing for others.
void KillStrayChildren(TimePoint deadline);

struct TreeUsage {
  std::uint64_t memory_bytes = 0;
  std::uint64_t threads = 0;
};
/// Sums over `root` and its descendants.
TreeUsage UsageOfTree(const std::vector<ProcessInfo>& all, pid_t root);
struct CpuTimes {
  std::chrono::microseconds own{0};
  std::chrono::microseconds waited{0};  ///< Of its children that have ended and were waited for, and of theirs.
};
/// In steps of a clock tick (10 ms). None when there is no such process any more.
std::optional<CpuTimes> CpuTimesOf(pid_t pid);
/// `root` and its descendants, root first.
std::vector<pid_t> Tree(const std::vector<ProcessInfo>& all, pid_t root);

}  // namespace rune::sandbox
