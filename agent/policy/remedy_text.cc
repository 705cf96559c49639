#include "agent/policy/remedy_text.h"

#include <algorithm>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using sandbox::Grant;

constexpr std::size_t kMaxEntry = 4096;  // PATH_MAX

/// Quoted always, and as both languages read it: `true` and `yes` are programs, too.
std::string ValueOf(const sandbox::Remedy& remedy) {
  if (remedy.grant == Grant::kUpload) return "0";
  if (remedy.grant == Grant::kGitConfig) return "\"open\"";
  std::string list = "[";
  for (const std::string& entry : remedy.entries) {
    if (list.size() > 1) list += ", ";
    list += '"';
    for (const char c : entry) {
      if (c == '"' || c == '\\') list += '\\';
      list += c;
    }
    list += '"';
  }
  return list + "]";
}

std::string Line(const sandbox::Remedy& remedy, std::string_view separator) {
  const std::string key(PolicyKey(remedy.grant));
  const bool shown = std::all_of(remedy.entries.begin(), remedy.entries.end(),
                                 [](const std::string& entry) { return OneLine(entry, kMaxEntry) == entry; });
  return key.empty() || !shown ? "" : key + std::string(separator) + ValueOf(remedy);
}

}  // namespace

std::string_view PolicyKey(Grant grant) {
  switch (grant) {
    case Grant::kNothing:
      return "";
    case Grant::kExecute:
      return "allowed_commands";
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

std::string TomlLine(const sandbox::Remedy& remedy) { return Line(remedy, " = "); }

std::string YamlLine(const sandbox::Remedy& remedy) { return Line(remedy, ": "); }

}  // namespace rune::agent
