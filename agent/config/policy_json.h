#pragma once
/// The `[policy]` keys, written as JSON.

#include "agent/config/config.h"
#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::agent {

/// Takes the members of `object` over into `policy`. A missing member, and one that is null, keeps what `policy` has;
/// an empty list is an empty list. kInvalidInput "<path>.max_pids: expected an integer from 0 to 4194304, found -1";
/// `policy` is unchanged then.
Result<void> ApplyPolicyJson(const json::View& object, PolicyConfig& policy);

}  // namespace rune::agent
