#include "agent/config/keys.h"

#include <algorithm>
#include <cstdlib>

#include "sandbox/base/text.h"

namespace rune::agent {

std::string_view ProjectRuleName(ProjectRule rule) {
  switch (rule) {
    case ProjectRule::kIgnored:
      return "ignored";
    case ProjectRule::kMinimum:
      return "minimum";
    case ProjectRule::kIntersect:
      return "intersection";
    case ProjectRule::kUnite:
      return "union";
    case ProjectRule::kStricter:
      return "stricter only";
    case ProjectRule::kInside:
      return "inside only";
  }
  std::abort();
}

bool IsKey(const Setting& setting) { return setting.key.ends_with("api_key") || setting.key == "fallback"; }

const Setting* FindSetting(std::string_view key) {
  const auto* found = std::find_if(kSettings.begin(), kSettings.end(), [&](const Setting& s) { return s.key == key; });
  return found == kSettings.end() ? nullptr : found;
}

bool IsSection(std::string_view name) {
  return std::any_of(kSettings.begin(), kSettings.end(), [&](const Setting& setting) {
    return setting.key.size() > name.size() && setting.key.starts_with(name) && setting.key[name.size()] == '.';
  });
}

std::string UnknownKey(std::string_view key) {
  std::string message = "unknown key '" + OneLine(key, 64) + "'";
  std::vector<std::string> known;
  for (const Setting& setting : kSettings) {
    // The usual slip: a key of [policy] above the table's header.
    const std::size_t dot = setting.key.find('.');
    if (dot != std::string_view::npos && setting.key.substr(dot + 1) == key) {
      return message + " (did you mean '" + std::string(setting.key) + "'?)";
    }
    known.emplace_back(setting.key);
  }
  if (const auto nearest = Nearest(key, known)) message += " (did you mean '" + *nearest + "'?)";
  return message;
}

}  // namespace rune::agent
