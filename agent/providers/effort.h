#pragma once
/// The words of OpenAI's wires for how long a model may think.

#include <cstdlib>
#include <string_view>

#include "agent/providers/model_client.h"

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
