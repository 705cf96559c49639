/// [policy]: what tools may do. A pipeline has two spellings of it, `policy` and the longer `sandbox`.

#include <array>

#include "agent/config/settings_table.h"

namespace rune::agent {
namespace {

using enum ValueType;
using enum NarrowRule;
using List = std::vector<std::string>;

void PutEnforcement(Config& config, const Value& value) {
  const auto& words = Held<List>(value);
  PolicyConfig& policy = config.policy;
  policy.required_layers.clear();
  policy.enforcement =
      words.front() == "best-effort" ? sandbox::Enforcement::kBestEffort : sandbox::Enforcement::kRequire;
  for (const std::string& word : words) {
    if (const auto layer = sandbox::ParseLayer(word)) policy.required_layers.push_back(*layer);
  }
}
std::optional<Value> GetEnforcement(const Config& config) {
  const PolicyConfig& policy = config.policy;
  if (policy.enforcement == sandbox::Enforcement::kBestEffort) return List{"best-effort"};
  if (policy.required_layers.empty()) return List{"require"};
  List layers;
  for (const sandbox::Layer layer : policy.required_layers) layers.emplace_back(sandbox::LayerName(layer));
  return layers;
}

void PutGitConfig(Config& config, const Value& value) {
  const auto& word = Held<std::string>(value);
  config.policy.git_config = word == "readonly" ? sandbox::GitConfig::kReadOnly
                             : word == "open"   ? sandbox::GitConfig::kOpen
                                                : sandbox::GitConfig::kGuarded;
}
std::optional<Value> GetGitConfig(const Config& config) {
  switch (config.policy.git_config) {
    case sandbox::GitConfig::kReadOnly:
      return std::string("readonly");
    case sandbox::GitConfig::kGuarded:
      return std::string("guarded");
    case sandbox::GitConfig::kOpen:
      return std::string("open");
  }
  return std::nullopt;
}

void PutDeniedPaths(Config& config, const Value& value) {
  config.policy.denied_paths = Held<List>(value);
  config.policy.denied_by_default = false;
}
std::optional<Value> GetDeniedPaths(const Config& config) { return config.policy.denied_paths; }

void PutCiFiles(Config& config, const Value& value) {
  config.policy.ci_files_protected = Held<std::string>(value) == "protected";
}
std::optional<Value> GetCiFiles(const Config& config) {
  return std::string(config.policy.ci_files_protected ? "protected" : "open");
}

constexpr std::array kRows{
    Setting{.key = "policy.mode",
            .type = kWord,
            .member = kMember<&Config::policy, &PolicyConfig::mode>,
            .flag = "--policy-mode",
            .source = {"policy.mode", "sandbox.policy_mode"},
            .params = "policy.mode",
            .narrow = kStricter,
            .choices = "allowlist|confirm|unrestricted",
            .doc = "Who decides about a tool call. Unset: confirm on a terminal, else allowlist."},
    Setting{.key = "policy.allowed_commands",
            .type = kStrings,
            .member = kMember<&Config::policy, &PolicyConfig::allowed_commands>,
            .source = {"policy.allowed_commands", "sandbox.allowed_commands"},
            .params = "policy.allowed_commands",
            .narrow = kIntersect,
            .doc = "Programs, by name or absolute path. `*`: every program."},
    Setting{.key = "policy.allowed_domains",
            .type = kDomains,
            .member = kMember<&Config::policy, &PolicyConfig::allowed_domains>,
            .source = {"policy.allowed_domains", "sandbox.network.allowed_domains"},
            .params = "policy.allowed_domains",
            .narrow = kIntersect,
            .doc = "Hosts: `name`, `*.suffix`, an address or a range, each with or without `:port`. `*`: the whole "
                   "network."},
    Setting{.key = "policy.denied_syscalls",
            .type = kStrings,
            .member = kMember<&Config::policy, &PolicyConfig::denied_syscalls>,
            .source = {"policy.denied_syscalls"},
            .params = "policy.denied_syscalls",
            .narrow = kUnite,
            .doc = "System calls denied besides those that are always denied."},
    Setting{.key = "policy.allowed_paths_rw",
            .type = kPaths,
            .member = kMember<&Config::policy, &PolicyConfig::allowed_paths_rw>,
            .source = {"policy.allowed_paths_rw", "sandbox.filesystem.read_write_paths"},
            .params = "policy.allowed_paths_rw",
            .narrow = kIntersect,
            .doc = "Trees that tools may write."},
    Setting{.key = "policy.allowed_paths_ro",
            .type = kPaths,
            .member = kMember<&Config::policy, &PolicyConfig::allowed_paths_ro>,
            .source = {"policy.allowed_paths_ro", "sandbox.filesystem.read_only_paths"},
            .params = "policy.allowed_paths_ro",
            .narrow = kIntersect,
            .doc = "Trees that tools may read."},
    Setting{.key = "policy.allowed_paths_exec",
            .type = kPaths,
            .member = kMember<&Config::policy, &PolicyConfig::allowed_paths_exec>,
            .source = {"policy.allowed_paths_exec", "sandbox.filesystem.executable_paths"},
            .params = "policy.allowed_paths_exec",
            .narrow = kIntersect,
            .doc = "Trees whose files run whoever wrote them: in them `allowed_commands` bounds nothing."},
    Setting{.key = "policy.denied_paths",
            .type = kPaths,
            .member = {PutDeniedPaths, GetDeniedPaths},
            .source = {"policy.denied_paths", "sandbox.filesystem.denied_paths"},
            .params = "policy.denied_paths",
            .narrow = kUnite,
            .doc = "Paths that no tool may touch, whatever else is allowed."},
    Setting{
        .key = "policy.env",
        .type = kStrings,
        .member = kMember<&Config::policy, &PolicyConfig::env>,
        .source = {"policy.env", "sandbox.env"},
        .doc = "Variables of commands: `NAME` passes one on, `NAME=value` sets one. Never one that holds a secret."},
    Setting{.key = "policy.path",
            .type = kPaths,
            .member = kMember<&Config::policy, &PolicyConfig::path>,
            .source = {"policy.path", "sandbox.path"},
            .doc = "Directories in which commands look for programs before the system's."},
    Setting{.key = "policy.max_memory_mb",
            .type = kInteger,
            .member = kMember<&Config::policy, &PolicyConfig::max_memory_mb>,
            .source = {"policy.max_memory_mb", "sandbox.resources.max_memory_mb"},
            .params = "policy.max_memory_mb",
            .narrow = kMinimum,
            .most = 16'777'216,
            .doc = "Memory of all running tools together, in MiB. 0: unlimited."},
    Setting{.key = "policy.max_pids",
            .type = kInteger,
            .member = kMember<&Config::policy, &PolicyConfig::max_pids>,
            .source = {"policy.max_pids", "sandbox.resources.max_pids"},
            .params = "policy.max_pids",
            .narrow = kMinimum,
            .most = 4'194'304,
            .doc = "Processes and threads of all running tools together. 0: unlimited."},
    Setting{.key = "policy.max_disk_mb",
            .type = kInteger,
            .member = kMember<&Config::policy, &PolicyConfig::max_disk_mb>,
            .source = {"policy.max_disk_mb", "sandbox.resources.max_disk_mb"},
            .params = "policy.max_disk_mb",
            .narrow = kMinimum,
            .most = 16'777'216,
            .doc = "Disk space that all tools of a run may take, private directories included, in MiB. 0: unlimited."},
    Setting{.key = "policy.max_upload_mb",
            .type = kInteger,
            .member = kMember<&Config::policy, &PolicyConfig::max_upload_mb>,
            .source = {"policy.max_upload_mb", "sandbox.network.max_upload_mb"},
            .params = "policy.max_upload_mb",
            .narrow = kMinimum,
            .most = 16'777'216,
            .doc = "What all tools of a run may send under one entry of `allowed_domains` together, in MiB. 0: unlimited."},
    Setting{
        .key = "policy.git_config",
        .type = kWord,
        .member = {PutGitConfig, GetGitConfig},
        .source = {"policy.git_config", "sandbox.filesystem.git_config"},
        .params = "policy.git_config",
        .narrow = kStricter,
        .choices = "readonly|guarded|open",
        .doc = "What tools may change of repositories that are there: no settings, none that make git run programs, or "
               "all."},
    Setting{.key = "policy.ci_files",
            .type = kWord,
            .member = {PutCiFiles, GetCiFiles},
            .source = {"policy.ci_files", "sandbox.filesystem.ci_files"},
            .params = "policy.ci_files",
            .narrow = kStricter,
            .choices = "protected|open",
            .doc = "Whether the file tools may write what tells a CI service what to run."},
    Setting{.key = "policy.enforcement",
            .type = kEnforcement,
            .member = {PutEnforcement, GetEnforcement},
            .flag = "--enforcement",
            .source = {"policy.enforcement", "sandbox.require", "sandbox.mode"},
            .params = "policy.enforcement",
            .narrow = kStricter,
            .doc = "`best-effort`, `require` (all layers) or a list of layers without which nothing runs."},
};

}  // namespace

std::span<const Setting> PolicySettings() { return kRows; }

}  // namespace rune::agent
