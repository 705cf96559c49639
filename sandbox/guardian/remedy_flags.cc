#include "sandbox/guardian/remedy_flags.h"

namespace rune::sandbox {
namespace {

/// Before each entry.
std::string FlagOf(Grant grant) {
  switch (grant) {
    case Grant::kNothing:
      return "";
    case Grant::kExecute:
      return "--rox";
    case Grant::kRead:
      return "--ro";
    case Grant::kWrite:
      return "--rw";
    case Grant::kDomain:
      return "--allow-domain";
    case Grant::kUpload:
      return "--max-upload";
    case Grant::kGitConfig:
      return "--git-config";
  }
  return "";
}

}  // namespace

std::vector<std::string> FlagsOf(const Remedy& remedy) {
  const std::string flag = FlagOf(remedy.grant);
  if (remedy.grant == Grant::kUpload) return {flag, "0"};
  if (remedy.grant == Grant::kGitConfig) return {flag, "open"};
  std::vector<std::string> words;
  for (const std::string& entry : remedy.entries) words.insert(words.end(), {flag, entry});
  return words;
}

}  // namespace rune::sandbox
