#pragma once
/// Underneath the guard: a network namespace with nothing in it, not even loopback that is up (network_namespaces(7)).

#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

/// A descriptor for setns(2) with CLONE_NEWNET, made once and entered by any number of children. kUnavailable where
/// this process may not make one.
Result<UniqueFd> MakeEmptyNetwork();

}  // namespace rune::sandbox
