#include "agent/config/fallback.h"

#include <array>
#include <utility>

namespace rune::agent {
namespace {

constexpr std::array<std::pair<std::string_view, std::string FallbackProvider::*>, 6> kMembers{
    {{"provider", &FallbackProvider::provider},
     {"model", &FallbackProvider::model},
     {"base_url", &FallbackProvider::base_url},
     {"api_key", &FallbackProvider::api_key},
     {"api_key_env", &FallbackProvider::api_key_env},
     {"wire", &FallbackProvider::wire}}};

}  // namespace

Result<FallbackProvider> ReadFallback(const json::View& object) {
  if (object.type() != json::Type::kObject) return Error::Invalid(object.path() + ": expected a table");
  std::vector<std::string> known;
  for (const auto& [name, member] : kMembers) known.emplace_back(name);
  RUNE_RETURN_IF_ERROR(json::CheckKeys(object, known));
  FallbackProvider provider;
  for (const auto& [name, member] : kMembers) {
    const json::View value = object[name];
    if (value.is_null()) continue;
    RUNE_ASSIGN_OR_RETURN(provider.*member, value.AsString());
  }
  if (provider.provider.empty() && provider.base_url.empty() && provider.api_key.empty() &&
      provider.api_key_env.empty()) {
    return Error::Invalid(object.path() + ": names neither provider nor base_url nor api_key");
  }
  return provider;
}

Result<FallbackProvider> ParseFallback(std::string_view json) {
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(json, "fallback"));
  return ReadFallback(document.root());
}

}  // namespace rune::agent
