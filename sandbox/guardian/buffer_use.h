#pragma once
/// Memory that the kernel holds for descriptors: what was sent and not read. No process owns it, so that only a control
/// group counts it; without one it is estimated from the sockets and pipes that are open.

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "sandbox/process_list.h"

namespace rune::sandbox {

/// Bytes that the sockets and pipes of `root` and its descendants may hold at most: a Unix socket what it may send by
/// default (SeccompPolicy::default_buffers), a TCP socket twice what is queued, a pipe 64 KiB as long as the kernel
/// gives a user that much, then 8 KiB. Descriptors that a process hides count as sockets. What is only in flight
/// between processes (SCM_RIGHTS) is not seen.
std::uint64_t BuffersOfTree(const std::vector<ProcessInfo>& all, pid_t root);

}  // namespace rune::sandbox
