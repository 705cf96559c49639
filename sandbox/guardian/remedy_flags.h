#pragma once
/// What would allow a refused act, as a person writes it who runs `rune-sandbox` by hand.

#include <string>
#include <vector>

#include "sandbox/denial.h"

namespace rune::sandbox {

/// Words for its command line: {"--allow-domain", "good.test"}. Empty: no flag would allow it.
std::vector<std::string> FlagsOf(const Remedy& remedy);

}  // namespace rune::sandbox
