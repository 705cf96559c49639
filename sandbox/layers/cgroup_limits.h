#pragma once
/// What somebody else has limited on the control groups of version 2 above a run (kernel: admin-guide/cgroup-v2). A
/// group made beside them would be free of it, so that it takes the smallest of each along.

#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/base/result.h"

namespace rune::sandbox {

struct CgroupLimits {
  std::optional<std::uint64_t> memory_max;
  std::optional<std::uint64_t> memory_high;
  std::optional<std::uint64_t> swap_max;
  std::optional<std::uint64_t> pids_max;
  std::string cpu_max;  ///< "QUOTA PERIOD" in microseconds; empty: none.
};

/// The smallest of the limits on the groups from `own` up to, and without, `parent`: directories of a hierarchy, the
/// second above the first or the same. kUnavailable, naming the file, on a limit that cannot be taken along.
Result<CgroupLimits> LimitsBetween(const std::string& own, const std::string& parent);

/// Of version 1: what limits memory on `own` and the groups above it up to `mount`. None where the kernel itself counts
/// what is below a group to that group (memory.use_hierarchy).
std::optional<std::uint64_t> MemoryLimitAbove(std::string own, const std::string& mount);

/// The trimmed text of a control file; empty when there is none.
std::string ReadControl(const std::string& path);

}  // namespace rune::sandbox
