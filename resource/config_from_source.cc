#include "resource/config_from_source.h"

#include "agent/config/narrow.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

constexpr std::string_view kPolicy = "policy.";

Error Wider(const agent::Setting& setting, const std::string& entry) {
  return Error::Invalid("params." + std::string(setting.params) + ": '" + OneLine(entry, 80) +
                        "' is not allowed by the source; params may only narrow the policy");
}

Result<void> NarrowBy(const agent::Setting& setting, agent::Value proposed, const std::string& cwd,
                      agent::Config& config) {
  const agent::Value confirm = std::string(agent::PolicyModeName(agent::PolicyMode::kConfirm));
  // Nobody is there to confirm, so that it refuses whatever the lists do not allow.
  if (proposed == confirm) proposed = std::string(agent::PolicyModeName(agent::PolicyMode::kAllowlist));
  const agent::Value current = agent::InForce(setting, config, agent::PolicyMode::kAllowlist);
  const agent::Narrowed narrowed = agent::Narrow(setting, current, proposed, cwd);
  if (!narrowed.dropped.empty()) return Wider(setting, narrowed.dropped.front());
  // What the source requires stays required, as what it denies stays denied.
  if (narrowed.refused && setting.type != agent::ValueType::kEnforcement) {
    return Wider(setting, agent::TextOf(proposed));
  }
  if (!narrowed.value) return Ok();
  const bool by_default = config.policy.denied_by_default;
  setting.member.put(config, *narrowed.value);
  config.policy.denied_by_default = by_default;  // what was added says nothing of the rest
  const auto* entries = std::get_if<std::vector<std::string>>(&proposed);
  config.policy.origins[std::string(setting.key.substr(kPolicy.size()))].push_back(
      {"params." + std::string(setting.params), entries == nullptr ? std::vector<std::string>() : *entries});
  return Ok();
}

Result<void> Apply(const agent::Values& params, const std::string& cwd, agent::Config& config) {
  for (const auto& [setting, value] : params) {
    if (setting->key.starts_with(kPolicy)) {
      RUNE_RETURN_IF_ERROR(NarrowBy(*setting, value, cwd, config));
    } else {
      setting->member.put(config, value);
    }
  }
  return Ok();
}

/// A provider of its own, or an endpoint, may do without a key.
Result<void> CheckKey(const agent::Config& config) {
  if (!config.api_key.empty() || !config.provider.empty() || !config.base_url.empty()) return Ok();
  return Error::Invalid("source.api_key is required");
}

}  // namespace

Result<Question> SourceQuestion(const Source& source) {
  RUNE_RETURN_IF_ERROR(CheckKey(source.config));
  Question question;
  question.prompt = source.prompt;
  question.pre_commands = {source.pre_commands, "source.pre_commands"};
  question.config = source.config;
  question.options.schema = source.shape.schema;
  return question;
}

Result<Question> PutQuestion(const Request& request, const std::string& prompt, const std::string& inputs) {
  const Params& params = request.params;
  RUNE_RETURN_IF_ERROR(CheckKey(request.source.config));
  Question question;
  question.prompt = prompt;
  question.pre_commands = {params.pre_commands, "params.pre_commands"};
  question.config = request.source.config;
  RUNE_RETURN_IF_ERROR(Apply(params.settings, inputs, question.config));
  question.options.cwd = inputs;
  question.options.readable = {inputs};
  question.options.schema = params.shape.schema;
  return question;
}

std::string_view SealSecret(const Source& source) {
  return source.record_key.empty() ? source.config.api_key.Reveal() : source.record_key.Reveal();
}

}  // namespace rune::resource
