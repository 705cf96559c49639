#pragma once
/// Process ids of a run's own (pid_namespaces(7)): commands see, signal and find in /proc nothing but each other, and
/// all of them are killed by the kernel when the first process ends, however it ends.

#include <functional>
#include <string>

#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

/// Tries EnterOwnPids() in a child, for its /proc is refused where the present one has parts that are covered (as in
/// containers). Empty, or the reason why it cannot be had. Needs a mount namespace of our own.
std::string WhyNoOwnPids();

/// What a process that stays behind does.
struct StayBehind {
  std::function<void()> leave;          ///< At first. Empty: nothing.
  int kept = -1;                        ///< Of all descriptors the only one that it keeps, for `serve`.
  std::function<void(int kept)> serve;  ///< Until the other end of `kept` is closed. Empty: nothing.
};

/// Continues as process 1 of a new pid namespace, with a /proc that shows it. What this process was stays behind in the
/// old one under its old number: it holds none of our descriptors any more, does `behind` and ends as we end.
/// Returns a descriptor that hangs up (poll(2)) when it was killed, whereupon we should end, too; PR_SET_PDEATHSIG
/// would not do, for every change of ids clears it, setfsuid(2) included. Before any child that is still to be waited
/// for.
Result<UniqueFd> EnterOwnPids(const StayBehind& behind);

}  // namespace rune::sandbox
