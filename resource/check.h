#pragma once
/// check: is there a new answer? Oldest first, as Concourse wants it.

#include <vector>

#include "resource/request/request.h"
#include "resource/request/version.h"
#include "resource/step.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// No prompt: nothing. Unchanged answer: the given version as it came. Changed: the given version (when it is whole)
/// and the new one. An abridged version, as a pin may write it, is never handed back: Concourse would take it for
/// another.
Result<std::vector<Version>> Check(const Request& request, const StepContext& context);

}  // namespace rune::resource
