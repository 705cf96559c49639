#pragma once
/// Process ids of a run's own (pid_namespaces(7)): commands see, signal and find in /proc nothing but each other, and
/// all of them are killed by the kernel when the first process ends, however it ends.

#include <string>

#include "sandbox/base/result.h"

namespace rune::sandbox {

/// Tries EnterOwnPids() in a child, for its /proc is refused where the present one has parts that are covered (as in
/// containers). Empty, or the reason why it cannot be had. Needs a mount namespace of our own.
std::string WhyNoOwnPids();

/// Continues as process 1 of a new pid namespace, with a /proc that shows it. What this process was stays behind in the
/// old one under its old number: it holds no descriptor any more, calls `left` (borrowed), ends as we end, and takes
/// us with it when it is killed. Before any child that is still to be waited for.
Result<void> EnterOwnPids(void (*left)(void*), void* context);

/// We die with the process that stayed behind (PR_SET_PDEATHSIG): once more after a change of ids, which clears it.
void TieToPlaceholder();

}  // namespace rune::sandbox
