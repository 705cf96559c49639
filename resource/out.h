#pragma once
/// out: asks params.prompt with the build's inputs at hand; the version carries the answer, so that the get which
/// follows a put replays it.

#include <string>

#include "resource/request/request.h"
#include "resource/step.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// `inputs` is the directory of the build's inputs. The answer goes to standard error before anything can fail it.
Result<StepResult> Out(const Request& request, const StepContext& context, const std::string& inputs);

/// True when the answer is what `fail_if` names. An error when a structured answer lacks the place: a gate that cannot
/// see its verdict stays shut.
Result<bool> Fails(const FailIf& fail_if, const std::string& answer);

}  // namespace rune::resource
