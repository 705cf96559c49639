#include "agent/config/load.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "agent/config/config_file.h"
#include "agent/config/narrow.h"
#include "agent/config/settings.h"
#include "agent/config/trust.h"
#include "agent/config/value.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::string_view kOnlyNarrows =
    " is ignored: a project file may only narrow (run `rune trust` to trust this directory)";
/// Keys of the file format that this program knows but has no use for.
constexpr std::string_view kMcpServers = "mcp_servers";

bool IsMcpServers(const std::string& key) {
  return key == kMcpServers || key.starts_with(std::string(kMcpServers) + ".");
}

/// A member of a setting that is a table as a whole.
bool IsInsideTable(const std::string& key) {
  const std::size_t dot = key.find('.');
  const Setting* const table = dot == std::string::npos ? nullptr : FindSetting(key.substr(0, dot));
  return table != nullptr && table->type == ValueType::kTable;
}

/// Null for the header of a section, and for what belongs to the entry before.
Result<const Setting*> SettingOf(const TomlEntry& entry) {
  if (IsInsideTable(entry.key)) return static_cast<const Setting*>(nullptr);
  if (const Setting* setting = FindSetting(entry.key)) return setting;
  if (entry.type == "table" && IsSection(entry.key)) return static_cast<const Setting*>(nullptr);
  return Error::Invalid(UnknownKey(entry.key)).Wrap(entry.place);
}

Result<Value> ValueOf(const Setting& setting, const TomlEntry& entry) {
  const std::string noun = entry.place + ": " + entry.key;
  const bool is_table = setting.type == ValueType::kTable || setting.type == ValueType::kProviders;
  if (is_table && !entry.json.empty()) {
    auto value = ParseValue(setting, entry.json);
    if (!value.ok()) return std::move(value).error().Wrap(noun);
    return value;
  }
  if (!entry.value) return Error::Invalid("expected " + ExpectedText(setting) + ", found a " + entry.type).Wrap(noun);
  auto value = CheckValue(setting, *entry.value);
  if (!value.ok()) return std::move(value).error().Wrap(noun);
  return value;
}

class Loader {
 public:
  explicit Loader(const LoadRequest& request) : request_(request) {}

  Result<LoadedConfig> Load() {
    for (const Setting& setting : Settings()) loaded_.origins[std::string(setting.key)] = "default";
    RUNE_RETURN_IF_ERROR(LoadUserFile());
    RUNE_RETURN_IF_ERROR(LoadProjectFile(".rune/rune.toml"));
    RUNE_RETURN_IF_ERROR(LoadProjectFile("rune.toml"));
    RUNE_RETURN_IF_ERROR(LoadEnvironment());
    RUNE_RETURN_IF_ERROR(LoadFlags());
    for (FallbackProvider& provider : loaded_.config.fallback) {
      if (provider.api_key.empty()) provider.api_key = Secret(Variable(provider.api_key_env));
    }
    return std::move(loaded_);
  }

 private:
  /// `place` is `origin`, with the line where it is a file.
  void Set(const Setting& setting, Value value, const std::string& origin, const std::string& place) {
    value = ExpandHome(setting, std::move(value));
    if (auto* origins = OriginsOf(setting)) *origins = {{place, EntriesOf(value)}};
    setting.member.put(loaded_.config, std::move(value));
    loaded_.origins[std::string(setting.key)] = origin;
  }

  /// Null: no key of [policy].
  std::vector<PolicyOrigin>* OriginsOf(const Setting& setting) {
    constexpr std::string_view kPolicy = "policy.";
    if (!setting.key.starts_with(kPolicy)) return nullptr;
    return &loaded_.config.policy.origins[std::string(setting.key.substr(kPolicy.size()))];
  }

  static std::vector<std::string> EntriesOf(const Value& value) {
    const auto* list = std::get_if<std::vector<std::string>>(&value);
    return list == nullptr ? std::vector<std::string>() : *list;
  }

  /// "<file>:<line>:<column>" -> "<file>:<line>".
  static std::string LineOf(const TomlEntry& entry) { return entry.place.substr(0, entry.place.rfind(':')); }

  Value ExpandHome(const Setting& setting, Value value) const {
    const auto expand = [&](std::string& path) {
      if (!request_.home.empty() && (path == "~" || path.starts_with("~/"))) path.replace(0, 1, request_.home);
    };
    if (setting.type == ValueType::kPath) expand(Held<std::string>(value));
    if (setting.type == ValueType::kPaths) {
      for (std::string& path : Held<std::vector<std::string>>(value)) expand(path);
    }
    return value;
  }

  std::string Variable(const std::string& name) const {
    const auto found = request_.environment.find(name);
    return found == request_.environment.end() ? "" : found->second;
  }

  /// The file that --config or RUNE_CONFIG names; empty when neither does.
  std::string NamedPath() const {
    return request_.config_path.empty() ? Variable("RUNE_CONFIG") : request_.config_path;
  }

  /// Where the user's own files are.
  std::vector<std::string> UserPaths() const {
    std::vector<std::string> paths;
    if (!request_.home.empty()) paths.push_back(request_.home + "/.rune/rune.toml");
    if (const std::string named = NamedPath(); !named.empty()) paths.push_back(NormalizePath(named, request_.cwd));
    return paths;
  }

  Result<void> LoadUserFile() {
    const std::string named = NamedPath();
    if (!named.empty()) loaded_.config.policy.place = named;
    if (named.empty() && request_.home.empty()) return Ok();
    RUNE_ASSIGN_OR_RETURN(const auto file,
                          ReadConfigFile(UserPaths().back(), named.empty() ? "~/.rune/rune.toml" : named));
    if (file) return ApplyFile(*file);
    if (named.empty()) return Ok();
    return Error::Invalid(named + ": there is no such configuration file");
  }

  /// In the home directory, "./.rune/rune.toml" is the user's own file.
  bool IsUsersOwn(const ConfigFile& file) const {
    const auto paths = UserPaths();
    return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
      struct stat info{};
      return ::stat(path.c_str(), &info) == 0 && info.st_dev == file.status.st_dev && info.st_ino == file.status.st_ino;
    });
  }

  Result<void> LoadProjectFile(const std::string& path) {
    RUNE_ASSIGN_OR_RETURN(const auto file, ReadConfigFile(request_.cwd + "/" + path, "./" + path));
    if (!file || IsUsersOwn(*file)) return Ok();
    return IsTrusted(request_.cwd, request_.home) ? ApplyFile(*file) : NarrowByFile(*file);
  }

  /// A file whose author is the user.
  Result<void> ApplyFile(const ConfigFile& file) {
    if ((file.status.st_mode & S_IWOTH) != 0) {
      return Error::Invalid(file.name + ": everybody may write to it (chmod o-w), so it cannot be trusted");
    }
    for (const TomlEntry& entry : file.entries) {
      if (IsMcpServers(entry.key)) {
        return Error::Invalid(entry.place + ": this version starts no MCP servers; remove '" + entry.key + "'");
      }
      RUNE_ASSIGN_OR_RETURN(const Setting* const setting, SettingOf(entry));
      if (setting == nullptr) continue;
      RUNE_ASSIGN_OR_RETURN(Value value, ValueOf(*setting, entry));
      if (IsKey(*setting) && (file.status.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        Notice(file.name + ": holds an api_key and can be read by others (chmod 600)");
      }
      Set(*setting, std::move(value), file.name, LineOf(entry));
    }
    return Ok();
  }

  /// A file that came with the directory.
  Result<void> NarrowByFile(const ConfigFile& file) {
    for (const TomlEntry& entry : file.entries) {
      if (IsMcpServers(entry.key)) {
        if (entry.key == kMcpServers) Notice(file.name + ": 'mcp_servers'" + std::string(kOnlyNarrows));
        continue;
      }
      RUNE_ASSIGN_OR_RETURN(const Setting* const setting, SettingOf(entry));
      if (setting == nullptr) continue;
      if (IsKey(*setting)) {
        // Not even read: what is a secret is blanked out everywhere, and a checkout must not choose such words.
        Notice(file.name + ": '" + std::string(setting->key) + "'" + std::string(kOnlyNarrows));
        continue;
      }
      RUNE_ASSIGN_OR_RETURN(Value value, ValueOf(*setting, entry));
      NarrowSetting(*setting, ExpandHome(*setting, std::move(value)), file.name, LineOf(entry));
    }
    return Ok();
  }

  void NarrowSetting(const Setting& setting, const Value& proposed, const std::string& file, const std::string& place) {
    const PolicyMode mode = request_.attended ? PolicyMode::kConfirm : PolicyMode::kAllowlist;
    Narrowed narrowed = Narrow(setting, InForce(setting, loaded_.config, mode), proposed, request_.cwd);
    const std::string name = file + ": '" + std::string(setting.key) + "'";
    if (narrowed.refused) Notice(name + std::string(kOnlyNarrows));
    for (const std::string& entry : narrowed.dropped) {
      Notice(name + ": '" + OneLine(entry, 100) + "'" + std::string(kOnlyNarrows));
    }
    if (!narrowed.value) return;
    const bool by_default = loaded_.config.policy.denied_by_default;
    std::vector<PolicyOrigin> origins;
    if (const auto* known = OriginsOf(setting)) origins = *known;
    origins.push_back({place, EntriesOf(proposed)});
    Set(setting, std::move(*narrowed.value), file, place);
    if (auto* known = OriginsOf(setting)) *known = std::move(origins);
    loaded_.config.policy.denied_by_default = by_default;  // what was added says nothing of the rest
  }

  Result<void> LoadEnvironment() {
    std::vector<std::string> known;
    for (const Setting& setting : Settings()) {
      const std::string name = VariableOf(setting);
      known.push_back(name.substr(kVariablePrefix.size()));
      const std::string text = Variable(name);
      if (text.empty()) continue;
      auto value = ParseValue(setting, text);
      if (!value.ok()) return std::move(value).error().Wrap(name);
      Set(setting, std::move(value).value(), name, name);
    }
    for (const auto& [name, text] : request_.environment) {
      if (!name.starts_with(kVariablePrefix)) continue;
      const std::string word = name.substr(kVariablePrefix.size());
      if (std::find(known.begin(), known.end(), word) != known.end() || word == "CONFIG" || word == "HOME") continue;
      if (const auto nearest = Nearest(word, known)) {
        Notice(OneLine(name, 64) + " is not a setting (did you mean " + std::string(kVariablePrefix) + *nearest + "?)");
      }
    }
    return Ok();
  }

  Result<void> LoadFlags() {
    std::set<std::string_view> seen;
    for (const auto& [key, text] : request_.flags) {
      const Setting* setting = FindSetting(key);
      if (setting == nullptr) return Error::Invalid(UnknownKey(key));
      const std::string flag = setting->flag.empty() ? "--" + key : std::string(setting->flag);
      auto value = ParseValue(*setting, text);
      if (!value.ok()) return std::move(value).error().Wrap(flag);
      auto* list = std::get_if<std::vector<std::string>>(&*value);
      if (list != nullptr && !seen.insert(setting->key).second) {
        const auto earlier = Held<std::vector<std::string>>(CurrentValue(*setting, loaded_.config).value());
        list->insert(list->begin(), earlier.begin(), earlier.end());
      }
      Set(*setting, std::move(value).value(), "flag " + flag, flag);
    }
    return Ok();
  }

  void Notice(std::string line) { loaded_.notices.push_back(std::move(line)); }

  static constexpr std::string_view kVariablePrefix = "RUNE_";
  const LoadRequest& request_;
  LoadedConfig loaded_;
};

}  // namespace

Result<LoadedConfig> LoadConfig(const LoadRequest& request) { return Loader(request).Load(); }

}  // namespace rune::agent
