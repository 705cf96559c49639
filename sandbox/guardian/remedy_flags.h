#pragma once
/// What would allow a refused act, as a person writes it who runs `rune-sandbox` by hand.

#include <string>
#include <vector>

#include "sandbox/denial.h"

namespace rune::sandbox {

/// Words for its command line: {"--allow-domain", "good.test"}. Empty: no flag would allow it.
std::vector<std::string> FlagsOf(const Remedy& remedy);

/// "refused: lookup good.test (names) and 2 more; to allow: --allow-domain good.test": one safe line for the end of a
/// run by hand, its flags quoted for a shell. Empty: nothing was refused.
std::string RefusedLine(const std::vector<Denial>& denials);

}  // namespace rune::sandbox
