#pragma once
/// The variables of commands that a policy names.

#include <string>
#include <vector>

#include "sandbox/base/result.h"

namespace rune::agent {

/// kInvalidInput for an entry that is neither NAME nor NAME=value, or that names a secret.
Result<void> CheckEnvironment(const std::vector<std::string>& entries);

}  // namespace rune::agent
