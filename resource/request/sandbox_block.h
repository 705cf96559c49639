#pragma once
/// `source.sandbox`, the older and longer way to write what `source.policy` says. Both may be given as long as they do
/// not contradict each other.

#include <string>
#include <utility>
#include <vector>

#include "agent/json/json.h"
#include "resource/request/request.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// Reads `source.policy` and `source.sandbox` into source.policy (and sandbox.resources.timeout_secs into
/// source.limits). kInvalidInput, also when the two say different things.
Result<void> ReadPolicyAndSandbox(const json::View& policy, const json::View& sandbox, Source& source);

/// {object, key} of every member of the block.
std::vector<std::pair<std::string, std::string>> SandboxBlockKeys();

}  // namespace rune::resource
