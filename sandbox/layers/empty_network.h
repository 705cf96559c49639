#pragma once
/// Underneath the guard: a network namespace with nothing in it but loopback
/// (network_namespaces(7)).

#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

/// A descriptor for setns(2) with CLONE_NEWNET, made once and entered by any number of children. While this process
/// is dumpable (prctl(2)): its child is looked up in /proc. kUnavailable where this process may not make one.
Result<UniqueFd> MakeEmptyNetwork();

}  // namespace rune::sandbox
