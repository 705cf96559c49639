#include "agent/cli/why.h"

#include <unistd.h>

#include <algorithm>

#include "agent/policy/why.h"
#include "agent/run/outcome.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"

namespace rune::agent {
namespace {

/// Where the run's own directory would be: no list names it.
constexpr const char* kOwnDirectory = "/tmp/rune-own";

std::string_view Word(Decision::Answer answer) {
  switch (answer) {
    case Decision::Answer::kAllowed:
      return "allowed";
    case Decision::Answer::kAsked:
      return "asked";
    case Decision::Answer::kRefused:
      return "refused";
  }
  return "";
}

}  // namespace

int RunWhy(const Config& config, const WhyOptions& options) {
  PolicyConfig lists = config.policy;
  // No list is consulted in that mode but by the kernel, and that is what is asked about.
  if (lists.mode == PolicyMode::kUnrestricted) {
    Log(LogLevel::kWarn, "mode unrestricted: every program runs; files and network are those of the lists");
    lists.mode = PolicyMode::kAllowlist;
    lists.allowed_commands = {"*"};
  }
  const auto policy = Policy::Create(lists, {.cwd = options.cwd, .home = options.home, .tmp_dir = kOwnDirectory},
                                     PolicyMode::kAllowlist);
  if (!policy.ok()) {
    Log(LogLevel::kError, policy.error().message);
    return InfoOf(Outcome::kBadInput).exit_code;
  }
  const std::vector<Decision> decisions = Why(*policy, options.subject);
  std::string text;
  for (const Decision& decision : decisions) {
    text += std::string(Word(decision.answer)) + "  " + decision.act + ": " + decision.because + "\n";
  }
  if (!WriteAll(STDOUT_FILENO, text).ok()) return 1;
  const bool allowed = std::all_of(decisions.begin(), decisions.end(),
                                   [](const Decision& d) { return d.answer == Decision::Answer::kAllowed; });
  return allowed ? 0 : InfoOf(Outcome::kRefusedPolicy).exit_code;
}

}  // namespace rune::agent
