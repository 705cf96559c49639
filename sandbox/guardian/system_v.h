#pragma once
/// What a run keeps in System V shared memory, semaphores and message queues (sysvipc(7)) of its own IPC namespace: no
/// process owns it, and it outlives all of them.

#include <cstdint>

namespace rune::sandbox {

/// Bytes that the kernel holds for all of it now. In the namespace of the caller: only where that is the run's own.
std::uint64_t SystemVBytes();
/// Removes all of it.
void RemoveSystemV();

}  // namespace rune::sandbox
