#pragma once
/// One descriptor over a Unix socket (unix(7), SCM_RIGHTS).

#include <chrono>

#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

/// Returns 0 or errno. Safe between fork and exec.
int SendDescriptor(int socket, int fd);
/// Invalid when none came within `patience`.
UniqueFd ReceiveDescriptor(int socket, std::chrono::milliseconds patience);

}  // namespace rune::sandbox
