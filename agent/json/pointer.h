#pragma once
/// JSON Pointer (RFC 6901).

#include <string_view>

#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::json {

/// kInvalidInput unless `pointer` is "" or starts with "/" (section 3).
Result<void> CheckPointer(std::string_view pointer);
/// The place that `pointer` names; a missing one does not exist().
View Resolve(const View& root, std::string_view pointer);

}  // namespace rune::json
