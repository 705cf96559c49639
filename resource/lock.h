#pragma once
/// One check of a source at a time: after a restart Concourse may start a second check in the container of the first.

#include <chrono>
#include <string>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"

namespace rune::resource {

/// A lock file in /tmp (flock(2)), released when this or the process ends.
class CheckLock {
 public:
  /// `name` tells sources apart. Waits on the loop for at most `patience`; false: somebody else holds it. True as well
  /// when no lock file can be made, for a check without a lock is better than none.
  bool Acquire(EventLoop& loop, const std::string& name, std::chrono::milliseconds patience);

 private:
  UniqueFd fd_;
};

}  // namespace rune::resource
