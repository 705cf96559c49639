#include "agent/config/config.h"

#include <cstdlib>

namespace rune::agent {

std::string_view PolicyModeName(PolicyMode mode) {
  switch (mode) {
    case PolicyMode::kConfirm:
      return "confirm";
    case PolicyMode::kAllowlist:
      return "allowlist";
    case PolicyMode::kUnrestricted:
      return "unrestricted";
  }
  std::abort();
}

std::optional<PolicyMode> ParsePolicyMode(std::string_view word) {
  for (const PolicyMode mode : {PolicyMode::kConfirm, PolicyMode::kAllowlist, PolicyMode::kUnrestricted}) {
    if (PolicyModeName(mode) == word) return mode;
  }
  return std::nullopt;
}

std::string_view OnDenialName(OnDenial on_denial) {
  switch (on_denial) {
    case OnDenial::kFail:
      return "fail";
    case OnDenial::kWarn:
      return "warn";
  }
  std::abort();
}

}  // namespace rune::agent
