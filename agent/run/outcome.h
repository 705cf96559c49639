#pragma once
/// How a run ended. This one closed set decides the result object, the exit code, the metadata of a build and the
/// trace; no run ends any other way.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace rune::agent {

enum class ModelErrorKind : std::uint8_t;

enum class Outcome : std::uint8_t {
  kAnswered,
  kAnsweredWithDenials,  ///< A tool call was refused on the way. Fails in unattended modes unless `on_denial = "warn"`.
  kRefusedPolicy,        ///< Policy forbids the run itself (confirm mode without a terminal and without --yes, ...).
  kBudgetSteps,
  kBudgetTokens,
  kBudgetCost,
  kBudgetTime,
  kSchemaUnsatisfied,
  kSandboxUnavailable,
  kProviderAuth,
  kProviderRate,
  kProviderDown,
  kProviderProtocol,
  kCancelled,
  kStalled,  ///< Nothing new in too many steps, or an answer without content.
  kLooped,   ///< The same call again and again.
  kBadInput,
  kInternal,
};

struct OutcomeInfo {
  Outcome outcome;
  std::string_view name;  ///< snake_case, as printed everywhere.
  int exit_code;          ///< Of `rune`; a build step knows only 0 and 1.
};

/// Exit codes: 0 answer, 1 failure, 2 usage or configuration, 3 budget or step limit, 4 refused by policy,
/// 5 provider unavailable, 6 confinement unavailable, 130/143 interrupted (by SIGINT/SIGTERM; see ExitCode()).
inline constexpr std::array<OutcomeInfo, 18> kOutcomes{{
    {Outcome::kAnswered, "answered", 0},
    {Outcome::kAnsweredWithDenials, "answered_with_denials", 4},
    {Outcome::kRefusedPolicy, "refused_policy", 4},
    {Outcome::kBudgetSteps, "budget_steps", 3},
    {Outcome::kBudgetTokens, "budget_tokens", 3},
    {Outcome::kBudgetCost, "budget_cost", 3},
    {Outcome::kBudgetTime, "budget_time", 3},
    {Outcome::kSchemaUnsatisfied, "schema_unsatisfied", 1},
    {Outcome::kSandboxUnavailable, "sandbox_unavailable", 6},
    {Outcome::kProviderAuth, "provider_auth", 5},
    {Outcome::kProviderRate, "provider_rate", 5},
    {Outcome::kProviderDown, "provider_down", 5},
    {Outcome::kProviderProtocol, "provider_protocol", 5},
    {Outcome::kCancelled, "cancelled", 130},
    {Outcome::kStalled, "stalled", 1},
    {Outcome::kLooped, "looped", 1},
    {Outcome::kBadInput, "bad_input", 2},
    {Outcome::kInternal, "internal", 1},
}};

/// Why a run stops.
struct Ending {
  Outcome outcome;
  std::string detail;  ///< Empty when there is an answer. Neither safe nor redacted yet.
};

const OutcomeInfo& InfoOf(Outcome outcome);
/// Of a run that ends with such an error.
Outcome OutcomeOf(ModelErrorKind kind);
/// 128 + signal for a cancelled run, else the table's code.
int ExitCode(Outcome outcome, int signal_number = 0);

}  // namespace rune::agent
