// What a person can do about a refusal.

#include <algorithm>

#include "agent/policy/domain.h"
#include "agent/policy/policy.h"
#include "agent/policy/refusal.h"
#include "agent/policy/remedy_text.h"
#include "sandbox/base/files.h"
#include "sandbox/base/list.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using sandbox::Grant;
using sandbox::Remedy;
using Entries = std::vector<std::string>;

bool HasAll(const Entries& list, const Entries& entries) {
  return std::all_of(entries.begin(), entries.end(), [&](const std::string& entry) { return Contains(list, entry); });
}

}  // namespace

/// A line that would change nothing, or that would not be read, is no way out.
bool Policy::Helps(const Remedy& remedy) const {
  switch (remedy.grant) {
    case Grant::kNothing:
      return false;
    case Grant::kExecute:
      return !HasAll(config_.allowed_commands, remedy.entries) &&
             std::all_of(remedy.entries.begin(), remedy.entries.end(), [&](const auto& name) { return MayList(name); });
    case Grant::kExecuteWritten:
      return !HasAll(config_.allowed_paths_exec, remedy.entries);
    case Grant::kRead:
      return !HasAll(config_.allowed_paths_ro, remedy.entries);
    case Grant::kWrite:
      return !HasAll(config_.allowed_paths_rw, remedy.entries);
    case Grant::kDomain:
      return !HasAll(config_.allowed_domains, remedy.entries) && sandbox::DomainAllowlist::Parse(remedy.entries).ok();
    case Grant::kGitConfig:
      return config_.git_config != sandbox::GitConfig::kOpen;
    case Grant::kUpload:
      return config_.max_upload_mb != 0;
  }
  return false;
}

/// The entry of denied_paths that closes `path`, and where it stands. Empty: none does.
std::string Policy::ClosedBy(const std::string& path) const {
  const auto closes = [&](const std::string& entry) { return IsBelow(path, FromConfig(entry)); };
  if (const auto found = config_.origins.find("denied_paths"); found != config_.origins.end()) {
    for (const PolicyOrigin& origin : found->second) {
      const auto entry = std::find_if(origin.entries.begin(), origin.entries.end(), closes);
      if (entry != origin.entries.end()) return "'" + OneLine(*entry) + "' of denied_paths (" + origin.place + ")";
    }
  }
  const auto entry = std::find_if(config_.denied_paths.begin(), config_.denied_paths.end(), closes);
  return entry == config_.denied_paths.end() ? "" : "'" + OneLine(*entry) + "' of denied_paths (its default)";
}

/// Neither the root nor what holds the user's home: no answer to one question opens that.
std::string Policy::DirectoryOf(const Remedy& remedy) const {
  if (remedy.grant != Grant::kRead && remedy.grant != Grant::kWrite) return "";
  if (remedy.entries.size() != 1) return "";
  std::string directory = ParentOf(remedy.entries.front());
  const bool wide = directory == "/" || (!places_.home.empty() && IsBelow(places_.home, directory));
  return wide || OneLine(directory, 4096) != directory ? "" : directory;
}

Refusal Policy::WithWayOut(Refusal refusal) const {
  if (!Helps(refusal.remedy)) refusal.remedy = {};
  refusal.directory = DirectoryOf(refusal.remedy);
  const RemedyText text = TextOf(refusal.remedy, config_);
  refusal.line = text.line;
  if (!text.text.empty()) {
    refusal.way_out = "to allow it: " + text.text;
  } else if (refusal.way_out.empty()) {
    const std::string closed = refusal.target.starts_with('/') ? ClosedBy(refusal.target) : "";
    refusal.way_out = closed.empty() ? "no entry of the policy allows it" : closed + " keeps it closed";
  }
  return refusal;
}

std::vector<std::string> Policy::Missing() const {
  std::vector<std::string> lines;
  const auto look = [&](const char* key, const auto& missing, const char* what) {
    const auto found = config_.origins.find(key);  // defaults may name what a machine lacks
    if (found == config_.origins.end()) return;
    for (const PolicyOrigin& origin : found->second) {
      for (const std::string& entry : origin.entries) {
        if (entry != "*" && missing(entry))
          lines.push_back(std::string(key) + " (" + origin.place + "): " + what + " '" + OneLine(entry) + "'");
      }
    }
  };
  const auto absent = [&](const std::string& entry) { return !Exists(FromConfig(entry)); };
  look("allowed_commands", [&](const std::string& entry) { return FilesOf(entry).empty(); }, "nothing would be run as");
  look("allowed_paths_ro", absent, "there is no");
  look("allowed_paths_rw", absent, "there is no");
  return lines;
}

std::vector<std::string> Policy::NamedHosts(const CommandPlan& plan) {
  std::vector<std::string> entries;
  for (const std::string& word : plan.words) {
    std::optional<std::string> entry;
    if (const auto url = ParseUrl(word); url.ok()) {
      entry = sandbox::EntryFor(url->host, url->port);
    } else if (const auto place = sandbox::ParseHostPort(word); place.ok() && place->port != 0) {
      entry = sandbox::EntryFor(place->host, place->port);
    }
    if (entry) AddOnce(entries, *entry);
  }
  return entries;
}

}  // namespace rune::agent
