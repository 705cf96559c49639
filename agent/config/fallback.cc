#include "agent/config/fallback.h"

#include <array>
#include <string_view>
#include <utility>

namespace rune::agent {
namespace {

constexpr std::array<std::pair<std::string_view, std::string FallbackProvider::*>, 5> kTexts{
    {{"provider", &FallbackProvider::provider},
     {"model", &FallbackProvider::model},
     {"base_url", &FallbackProvider::base_url},
     {"api_key_env", &FallbackProvider::api_key_env},
     {"wire", &FallbackProvider::wire}}};
constexpr std::string_view kKeyName = "api_key";

Result<FallbackProvider> ReadFallback(const json::View& object) {
  if (object.type() != json::Type::kObject) return Error::Invalid(object.path() + ": expected a table");
  std::vector<std::string> known{std::string(kKeyName)};
  for (const auto& [name, member] : kTexts) known.emplace_back(name);
  RUNE_RETURN_IF_ERROR(json::CheckKeys(object, known));
  FallbackProvider provider;
  for (const auto& [name, member] : kTexts) {
    const json::View value = object[name];
    if (value.is_null()) continue;
    RUNE_ASSIGN_OR_RETURN(provider.*member, value.AsString());
  }
  if (const json::View key = object[kKeyName]; !key.is_null()) {
    RUNE_ASSIGN_OR_RETURN(std::string text, key.AsString());
    provider.api_key = Secret::Take(text);
  }
  if (provider.provider.empty() && provider.base_url.empty() && provider.api_key.empty() &&
      provider.api_key_env.empty()) {
    return Error::Invalid(object.path() + ": names neither provider nor base_url nor api_key");
  }
  return provider;
}

}  // namespace

Result<std::vector<FallbackProvider>> ReadFallbacks(const json::View& list) {
  std::vector<FallbackProvider> providers;
  for (std::size_t i = 0; i < list.size(); ++i) {
    RUNE_ASSIGN_OR_RETURN(FallbackProvider provider, ReadFallback(list[i]));
    providers.push_back(std::move(provider));
  }
  return providers;
}

}  // namespace rune::agent
