#include "agent/policy/remedy_text.h"

#include <algorithm>
#include <cstdlib>

#include "sandbox/base/list.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using sandbox::Grant;
using Entries = std::vector<std::string>;

constexpr std::size_t kMaxEntry = 4096;  // PATH_MAX

/// Quoted always, and as TOML and YAML (1.1 and 1.2) both read it: `true` and `yes` are programs, too.
std::string Quoted(const std::string& entry) {
  std::string text = "\"";
  for (const char c : entry) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

std::string Listed(const Entries& entries) {
  std::string list;
  for (const std::string& entry : entries) list += (list.empty() ? "" : ", ") + Quoted(entry);
  return list;
}

/// The list that such grants are added to; null: they are one value.
const Entries* ListOf(Grant grant, const PolicyConfig& policy) {
  switch (grant) {
    case Grant::kExecute:
      return &policy.allowed_commands;
    case Grant::kExecuteWritten:
      return &policy.allowed_paths_exec;
    case Grant::kRead:
      return &policy.allowed_paths_ro;
    case Grant::kWrite:
      return &policy.allowed_paths_rw;
    case Grant::kDomain:
      return &policy.allowed_domains;
    case Grant::kNothing:
    case Grant::kGitConfig:
    case Grant::kUpload:
      return nullptr;
  }
  std::abort();
}

/// The value of the key with the grant in it.
std::string ValueOf(const sandbox::Remedy& remedy, const PolicyConfig& policy) {
  if (remedy.grant == Grant::kUpload) return "0";
  if (remedy.grant == Grant::kGitConfig) return "\"open\"";
  Entries all = *ListOf(remedy.grant, policy);
  for (const std::string& entry : remedy.entries) AddOnce(all, entry);
  return "[" + Listed(all) + "]";
}

/// A pipeline names its keys as paths from the top of `source` or `params`.
bool IsYaml(const std::string& place) { return place.starts_with("source.") || place.starts_with("params."); }
/// A variable holds one value and nothing else.
bool IsVariable(const std::string& place) { return place.starts_with("RUNE_"); }

std::string InFile(const std::string& place) { return "[policy] (" + place + ")"; }

/// The key is there: the entries that its list lacks, or its new value. Empty: nothing is missing in this place.
std::string Changed(const sandbox::Remedy& remedy, const PolicyConfig& policy, const PolicyOrigin& origin) {
  const std::string key(PolicyKey(remedy.grant));
  const bool in_file = !IsYaml(origin.place) && !IsVariable(origin.place);
  if (ListOf(remedy.grant, policy) == nullptr) {
    const std::string value = ValueOf(remedy, policy);
    if (IsYaml(origin.place)) return "set " + origin.place + ": " + value;
    return in_file ? "set " + key + " = " + value + " in " + InFile(origin.place) : "set " + origin.place + "=" + value;
  }
  Entries missing;
  std::copy_if(remedy.entries.begin(), remedy.entries.end(), std::back_inserter(missing),
               [&](const std::string& entry) { return !Contains(origin.entries, entry); });
  if (missing.empty()) return "";
  return "add " + Listed(missing) + " to " + (in_file ? key + " in " + InFile(origin.place) : origin.place);
}

/// Nobody has written the key: it is written with its default.
std::string Written(const sandbox::Remedy& remedy, const PolicyConfig& policy) {
  const std::string key(PolicyKey(remedy.grant));
  const std::string value = ValueOf(remedy, policy);
  if (IsYaml(policy.place)) return "add " + policy.place + "." + key + ": " + value;
  return "add " + key + " = " + value + " to " + InFile(policy.place);
}

}  // namespace

std::string_view PolicyKey(Grant grant) {
  switch (grant) {
    case Grant::kNothing:
      return "";
    case Grant::kExecute:
      return "allowed_commands";
    case Grant::kExecuteWritten:
      return "allowed_paths_exec";
    case Grant::kRead:
      return "allowed_paths_ro";
    case Grant::kWrite:
      return "allowed_paths_rw";
    case Grant::kDomain:
      return "allowed_domains";
    case Grant::kUpload:
      return "max_upload_mb";
    case Grant::kGitConfig:
      return "git_config";
  }
  return "";
}

std::string PlaceOf(std::string_view key, const PolicyConfig& policy) {
  const auto found = policy.origins.find(key);
  // The last place is the one that narrowed it.
  const bool written = found != policy.origins.end() && !found->second.empty();
  const std::string& place = written ? found->second.back().place : policy.place;
  if (IsYaml(place)) return written ? place : place + "." + std::string(key);
  return IsVariable(place) ? place : std::string(key) + " in " + InFile(place);
}

RemedyText TextOf(const sandbox::Remedy& remedy, const PolicyConfig& policy) {
  const bool shown = std::all_of(remedy.entries.begin(), remedy.entries.end(),
                                 [](const std::string& entry) { return OneLine(entry, kMaxEntry) == entry; });
  if (remedy.grant == Grant::kNothing || !shown) return {};
  RemedyText out;
  out.line = std::string(PolicyKey(remedy.grant)) + " = " + ValueOf(remedy, policy);
  const auto found = policy.origins.find(PolicyKey(remedy.grant));
  if (found == policy.origins.end()) {
    out.text = Written(remedy, policy);
    return out;
  }
  for (const PolicyOrigin& origin : found->second) {
    const std::string change = Changed(remedy, policy, origin);
    if (!change.empty()) out.text += (out.text.empty() ? "" : ", and ") + change;
  }
  return out;
}

}  // namespace rune::agent
