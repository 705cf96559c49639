#pragma once
/// The text of caps.json, which is part of the program.

#include <string_view>

namespace rune::agent {

std::string_view CapsTable();

}  // namespace rune::agent
