#pragma once
/// From what the pipeline says to what the agent needs.

#include <string>
#include <string_view>

#include "resource/ask.h"
#include "resource/request/request.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// The question of check, and of a get that has to ask again. kInvalidInput when there is no key.
Result<Question> SourceQuestion(const Source& source);

/// The question of put: `prompt` is the finished text, `inputs` the directory of the build's inputs, which becomes the
/// working directory of the tools. kInvalidInput when there is no key or params.policy would widen the policy.
Result<Question> PutQuestion(const Request& request, const std::string& prompt, const std::string& inputs);

/// What records are sealed with, valid as long as `source`; empty: nothing, they are readable.
std::string_view SealSecret(const Source& source);

}  // namespace rune::resource
