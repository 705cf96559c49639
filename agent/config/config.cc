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
    case OnDenial::kUnrecovered:
      return "unrecovered";
    case OnDenial::kWarn:
      return "warn";
  }
  std::abort();
}

std::optional<OnDenial> ParseOnDenial(std::string_view word) {
  for (const OnDenial on_denial : {OnDenial::kFail, OnDenial::kUnrecovered, OnDenial::kWarn}) {
    if (OnDenialName(on_denial) == word) return on_denial;
  }
  return std::nullopt;
}

}  // namespace rune::agent
