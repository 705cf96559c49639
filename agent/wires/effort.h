#pragma once
/// The words for how long a model may think: those of OpenAI's wires, from which others differ in places.

#include <cstdlib>
#include <string_view>

#include "agent/conversation/model.h"

namespace rune::agent {

/// Empty: the provider's own default.
inline std::string_view EffortName(Thinking thinking) {
  switch (thinking) {
    case Thinking::kDefault:
      return "";
    case Thinking::kOff:
      return "none";
    case Thinking::kLow:
      return "low";
    case Thinking::kMedium:
      return "medium";
    case Thinking::kHigh:
      return "high";
    case Thinking::kXHigh:
      return "xhigh";
  }
  std::abort();
}

}  // namespace rune::agent
