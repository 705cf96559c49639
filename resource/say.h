#pragma once
/// Words for the people who read the build log: standard error, whole lines, safe and without secrets.

#include <string_view>

namespace rune::resource {

/// One line.
void Say(std::string_view line);
/// Several lines between rules, under a title: the answer.
void SayBlock(std::string_view title, std::string_view text);

}  // namespace rune::resource
