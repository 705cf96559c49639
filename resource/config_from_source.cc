#include "resource/config_from_source.h"

#include <algorithm>

#include "agent/config/policy_json.h"
#include "agent/json/json.h"
#include "sandbox/base/list.h"
#include "sandbox/base/log.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

/// A check container may vanish five minutes after it was made, so a check ends well before.
constexpr std::chrono::seconds kCheckWall{120};

using Strings = std::vector<std::string>;

Error Wider(const std::string& key, const std::string& entry) {
  return Error::Invalid("params.policy." + key + ": '" + OneLine(entry, 80) +
                        "' is not allowed by the source; params may only narrow the policy");
}

Result<void> CheckSubset(const std::string& key, const Strings& wider, const Strings& narrow) {
  if (Contains(wider, "*")) return Ok();
  for (const std::string& entry : narrow) {
    if (!Contains(wider, entry)) return Wider(key, entry);
  }
  return Ok();
}

Result<void> CheckPaths(const std::string& key, const Strings& wider, const Strings& narrow) {
  for (const std::string& entry : narrow) {
    const std::string path = NormalizePath(entry, "/");
    const bool inside = std::any_of(wider.begin(), wider.end(), [&path](const std::string& root) {
      return IsBelow(path, NormalizePath(root, "/"));
    });
    if (!inside) return Wider(key, entry);
  }
  return Ok();
}

/// What the source denies stays denied.
void KeepDenials(const Strings& source, Strings& into) {
  for (const std::string& entry : source) AddOnce(into, entry);
}

/// 0 is no limit at all.
template <typename T>
Result<void> CheckLimit(const std::string& key, T wider, T narrow) {
  if (wider == 0 || (narrow != 0 && narrow <= wider)) return Ok();
  return Wider(key, std::to_string(narrow));
}

Result<void> CheckMode(const agent::PolicyConfig& wider, const agent::PolicyConfig& narrow) {
  const auto source = wider.mode.value_or(agent::PolicyMode::kAllowlist);
  const auto wanted = narrow.mode.value_or(agent::PolicyMode::kAllowlist);
  if (wanted == source || source == agent::PolicyMode::kUnrestricted) return Ok();
  if (wanted == agent::PolicyMode::kConfirm) return Ok();  // nobody is there to confirm: refuses more
  return Wider("mode", std::string(agent::PolicyModeName(wanted)));
}

void ApplyLimits(const Limits& limits, agent::Budgets& budgets) {
  if (limits.steps) budgets.steps = *limits.steps;
  if (limits.tokens) budgets.tokens = *limits.tokens;
  if (limits.output_tokens) budgets.output_tokens = *limits.output_tokens;
  if (limits.seconds) budgets.wall = *limits.seconds;
  if (limits.tool_seconds) budgets.tool_wall = *limits.tool_seconds;
  if (limits.cost_usd) budgets.cost_usd = *limits.cost_usd;
}

/// A provider of its own, or an endpoint, may do without a key.
Result<void> CheckKey(const Source& source) {
  if (!source.api_key.empty() || !source.provider.empty() || !source.base_url.empty() || !source.cassette.empty()) {
    return Ok();
  }
  return Error::Invalid("source.api_key is required");
}

agent::Config ConfigOf(const Source& source) {
  agent::Config config;
  config.api_key = source.api_key;
  config.model = source.model;
  config.provider = source.provider.empty() && !source.cassette.empty() ? "cassette" : source.provider;
  config.base_url = source.base_url;
  config.wire = source.wire;
  config.caps = source.caps;
  config.fallback = source.fallback;
  config.context_window = source.context_window;
  if (source.compact_threshold) config.compact_threshold = *source.compact_threshold;
  if (source.compact_keep_last) config.compact_keep_last = *source.compact_keep_last;
  config.deadlines = source.deadlines;
  config.retry = source.retry;
  config.cassette = source.cassette;
  config.system_prompt = source.system_prompt;
  config.append_system_prompt = source.append_system_prompt;
  config.skills_dir.clear();
  config.on_denial = source.on_denial;
  config.temperature = source.temperature;
  config.seed = source.seed;
  config.thinking = source.thinking;
  if (source.max_images) config.max_images = *source.max_images;
  config.prices = source.prices;
  config.embeddings = source.embeddings;
  config.policy = source.policy;
  return config;
}

}  // namespace

Result<Question> SourceQuestion(const Source& source) {
  RUNE_RETURN_IF_ERROR(CheckKey(source));
  Question question;
  question.prompt = source.prompt;
  question.pre_commands = {source.pre_commands, "source.pre_commands"};
  question.config = ConfigOf(source);
  question.config.budgets.wall = kCheckWall;
  ApplyLimits(source.limits, question.config.budgets);
  question.options.schema = source.shape.schema;
  return question;
}

Result<Question> PutQuestion(const Request& request, const std::string& prompt, const std::string& inputs) {
  const Params& params = request.params;
  RUNE_RETURN_IF_ERROR(CheckKey(request.source));
  Question question;
  question.prompt = prompt;
  question.pre_commands = {params.pre_commands, "params.pre_commands"};
  question.config = ConfigOf(request.source);
  if (params.system_prompt) question.config.system_prompt = *params.system_prompt;
  if (params.append_system_prompt) question.config.append_system_prompt = *params.append_system_prompt;
  ApplyLimits(request.source.limits, question.config.budgets);
  ApplyLimits(params.limits, question.config.budgets);
  RUNE_ASSIGN_OR_RETURN(question.config.policy, Narrow(request.source.policy, params.policy));
  question.options.cwd = inputs;
  question.options.readable = {inputs};
  question.options.schema = params.shape.schema;
  return question;
}

Result<agent::PolicyConfig> Narrow(const agent::PolicyConfig& wider, const std::string& policy_json) {
  if (policy_json.empty()) return wider;
  agent::PolicyConfig narrow = wider;
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(policy_json, "params.policy"));
  RUNE_RETURN_IF_ERROR(agent::ApplyPolicyJson(document.root(), narrow));
  RUNE_RETURN_IF_ERROR(CheckMode(wider, narrow));
  RUNE_RETURN_IF_ERROR(CheckSubset("allowed_commands", wider.allowed_commands, narrow.allowed_commands));
  RUNE_RETURN_IF_ERROR(CheckSubset("allowed_domains", wider.allowed_domains, narrow.allowed_domains));
  RUNE_RETURN_IF_ERROR(CheckPaths("allowed_paths_rw", wider.allowed_paths_rw, narrow.allowed_paths_rw));
  RUNE_RETURN_IF_ERROR(CheckPaths("allowed_paths_ro", wider.allowed_paths_ro, narrow.allowed_paths_ro));
  KeepDenials(wider.denied_paths, narrow.denied_paths);
  KeepDenials(wider.denied_syscalls, narrow.denied_syscalls);
  RUNE_RETURN_IF_ERROR(CheckLimit("max_memory_mb", wider.max_memory_mb, narrow.max_memory_mb));
  RUNE_RETURN_IF_ERROR(CheckLimit("max_pids", wider.max_pids, narrow.max_pids));
  RUNE_RETURN_IF_ERROR(CheckLimit("max_upload_mb", wider.max_upload_mb, narrow.max_upload_mb));
  if (wider.enforcement == sandbox::Enforcement::kRequire) {
    narrow.enforcement = wider.enforcement;
    narrow.required_layers = wider.required_layers;
  }
  return narrow;
}

const std::string& SealSecret(const Source& source) {
  return source.record_key.empty() ? source.api_key : source.record_key;
}

void HideSecrets(const Source& source) {
  AddSecret(source.api_key);
  AddSecret(source.record_key);
  AddSecret(source.embeddings.api_key);
  for (const agent::FallbackProvider& provider : source.fallback) AddSecret(provider.api_key);
  for (const std::string& secret : source.redact) AddSecret(secret);
}

}  // namespace rune::resource
