#pragma once
/// Patterns of other grammars rewritten in RE2's. Pure. Internal to pattern.h. kInvalidInput, by name, for what RE2
/// cannot do; what is malformed in RE2's grammar, too, is left for RE2 to say.

#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace rune::json {

Result<std::string> FromEcma(std::string_view pattern);
Result<std::string> FromPosix(std::string_view pattern);

}  // namespace rune::json
