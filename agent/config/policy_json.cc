#include "agent/config/policy_json.h"

#include "agent/config/value.h"

namespace rune::agent {
namespace {

constexpr std::string_view kPrefix = "policy.";

Result<Value> ValueOf(const json::View& view, const Setting& setting) {
  if (const auto text = view.string()) return Value(std::string(*text));
  if (const auto boolean = view.boolean()) return Value(*boolean);
  if (const auto integer = view.integer()) return Value(*integer);
  if (const auto number = view.number()) return Value(*number);
  if (view.type() == json::Type::kArray) {
    RUNE_ASSIGN_OR_RETURN(auto strings, view.AsStrings());
    return Value(std::move(strings));
  }
  return Error::Invalid("expected " + ExpectedText(setting) + ", found " + std::string(json::TypeName(view.type())))
      .Wrap(view.path());
}

}  // namespace

Result<void> ApplyPolicyJson(const json::View& object, PolicyConfig& policy) {
  std::vector<std::string> known;
  for (const Setting& setting : kSettings) {
    if (setting.key.starts_with(kPrefix)) known.emplace_back(setting.key.substr(kPrefix.size()));
  }
  RUNE_RETURN_IF_ERROR(json::CheckKeys(object, known));
  Config config;
  config.policy = policy;
  for (const std::string& name : known) {
    const json::View member = object[name];
    if (member.is_null()) continue;
    const Setting& setting = *FindSetting(std::string(kPrefix) + name);
    RUNE_ASSIGN_OR_RETURN(Value value, ValueOf(member, setting));
    auto checked = CheckValue(setting, std::move(value));
    if (!checked.ok()) return std::move(checked).error().Wrap(member.path());
    Assign(setting, *checked, config);
  }
  policy = std::move(config.policy);
  return Ok();
}

}  // namespace rune::agent
