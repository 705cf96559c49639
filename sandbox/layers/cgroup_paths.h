#pragma once
/// Where this process's control groups are mounted: the texts of /proc made into directories. Pure.

#include <string>
#include <string_view>

namespace rune::sandbox {

/// The texts of /proc/self/cgroup (cgroups(7)) and /proc/self/mountinfo (proc_pid_mountinfo(5)).
struct CgroupTexts {
  std::string membership;
  std::string mounts;
};

/// The directory of this process's group in the v1 hierarchy of `controller` ("memory", "pids"), or in the v2 hierarchy
/// when `controller` is empty. Empty when there is none, or nothing that is mounted shows it.
std::string OwnCgroup(const CgroupTexts& texts, std::string_view controller);
/// Where the hierarchy of that group begins, for walking up to; empty when there is none.
std::string CgroupMount(const CgroupTexts& texts, std::string_view controller);

}  // namespace rune::sandbox
