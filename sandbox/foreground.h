#pragma once
/// A command that somebody waits for: run, waited for and, when the run is interrupted or its time is up, gone.

#include <functional>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"
#include "sandbox/command.h"
#include "sandbox/confinement.h"
#include "sandbox/report.h"
#include "sandbox/sandbox.h"

namespace rune::sandbox {

struct Patience {
  TimePoint deadline = kNever;  ///< Of the caller; the command's own limit is in its CommandLimits.
  Milliseconds grace{500};      ///< Between SIGTERM and SIGKILL.
};

/// `loop` is the sandbox's. kCancelled when the loop was interrupted or the deadline passed first: then its tree has
/// been killed. Else the errors of Launch().
Result<Completed> RunInForeground(EventLoop& loop, Sandbox& sandbox, Command command, const Confinement& confinement,
                                  const Patience& patience = {});

/// Kills the trees of `ids` and runs the loop until `gone()`, also while it is interrupted, but not for ever: the
/// kernel keeps what cannot be killed, and nobody waits for that.
void KillAndWait(EventLoop& loop, Sandbox& sandbox, const std::vector<CommandId>& ids,
                 const std::function<bool()>& gone, Milliseconds grace = Milliseconds(0));

}  // namespace rune::sandbox
