#pragma once
/// Settings in the JSON of a pipeline: its `source`, and the `params` of a step. Scalars are read liberally (scalar.h),
/// but in `policy`: what is misunderstood there may open something, so that it takes exactly what rune.toml takes.

#include <string>
#include <vector>

#include "agent/config/settings.h"
#include "agent/config/value.h"
#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::agent {

/// What such a document holds besides settings.
struct OtherKeys {
  std::vector<std::string> here;       ///< Members at its top.
  std::vector<std::string> elsewhere;  ///< Paths of members of other documents, for hints: "params.fail_if".
};

/// Every setting of `object` that is there (a null is not), under its names in `column`. kInvalidInput "<path>:
/// expected true or false", for an unknown key at any level ("source.policy: unknown key 'max_steps' (did you mean
/// 'source.limits.steps'?)"), and when two names of one setting say different things.
Result<Values> ReadSettings(const json::View& object, Column column, const OtherKeys& others);

}  // namespace rune::agent
