#pragma once
/// What a name says of one of Gemini's models.

#include <string_view>

namespace rune::agent {

/// "models/gemini-3-pro-preview": 3; 0 for other names. From 3 on calls must carry their signature, and pictures have
/// their place in results.
int GeminiGeneration(std::string_view model);

}  // namespace rune::agent
