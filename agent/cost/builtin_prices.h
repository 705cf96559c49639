#pragma once
/// prices.json, as it was when the program was built.

#include <string_view>

namespace rune::agent {

std::string_view BuiltinPrices();

}  // namespace rune::agent
