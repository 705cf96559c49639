#pragma once
/// in: the answer that belongs to a version, as files. From the record of the version when it has one: no model, no
/// network, the same bytes anywhere. Otherwise the model is asked again, and the files say so.

#include "resource/request/request.h"
#include "resource/step.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// The result's version is the requested one, always. Nothing is written yet.
Result<StepResult> In(const Request& request, const StepContext& context);

}  // namespace rune::resource
