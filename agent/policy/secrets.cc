// What a command line names that stays closed as a secret.

#include <algorithm>
#include <array>

#include "agent/policy/domain.h"
#include "agent/policy/policy.h"
#include "agent/policy/refusal.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using std::string_view;

/// A word, and what follows in it where programs take values: "--file=/etc/shadow", "-F data=@/etc/shadow".
std::vector<string_view> Values(string_view word) {
  std::vector<string_view> values{word};
  for (std::size_t at = word.find_first_of("=@"); at != string_view::npos; at = word.find_first_of("=@", at + 1)) {
    values.push_back(word.substr(at + 1));
  }
  return values;
}

/// "http://user@host:80/path" and "host:80/path" -> "host".
string_view HostOf(string_view text) {
  if (const std::size_t scheme = text.find("://"); scheme != string_view::npos) text.remove_prefix(scheme + 3);
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  return text.substr(0, text.find_first_of("/:?#"));
}

}  // namespace

std::optional<Refusal> Policy::NamedSecret(const CommandPlan& plan, const std::string& cwd) const {
  for (const std::string& word : plan.words) {
    for (const string_view value : Values(word)) {
      if (value.empty() || value.size() > 4096) continue;
      if (const std::string path = NormalizePath(ExpandHome(value, places_.home), cwd);
          IsBelowAny(path, compiled().secrets)) {
        return Refusal{.message = "refused: read " + OneLine(path) + " (always denied: it holds keys or settings)",
                       .what = sandbox::DeniedAct::kRead,
                       .target = path,
                       .secret = true};
      }
      if (const string_view host = HostOf(value); IsMetadataHost(host) && !Reaches(host)) {
        return Refusal{.message = "refused: connect " + OneLine(host) + " (the address of a cloud's metadata)",
                       .what = sandbox::DeniedAct::kConnect,
                       .target = std::string(host),
                       .secret = true};
      }
    }
  }
  return std::nullopt;
}

/// On any port.
bool Policy::Reaches(string_view host) const {
  if (const auto address = sandbox::ParseIp(host)) {
    return domains_.AllowsAddress(*address, 80) || domains_.AllowsAddress(*address, 443);
  }
  return domains_.KnowsName(host);
}

}  // namespace rune::agent
