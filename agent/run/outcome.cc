#include "agent/run/outcome.h"

#include <cstddef>

#include "agent/conversation/model.h"

namespace rune::agent {
namespace {

constexpr bool TableIsInOrder() {
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    if (static_cast<std::size_t>(kOutcomes[i].outcome) != i) return false;
  }
  return static_cast<std::size_t>(Outcome::kInternal) + 1 == kOutcomes.size();
}
static_assert(TableIsInOrder(), "InfoOf() finds an outcome by its position");

}  // namespace

const OutcomeInfo& InfoOf(Outcome outcome) { return kOutcomes[static_cast<std::size_t>(outcome)]; }

Outcome OutcomeOf(ModelErrorKind kind) {
  switch (kind) {
    case ModelErrorKind::kAuth:
      return Outcome::kProviderAuth;
    case ModelErrorKind::kRate:
      return Outcome::kProviderRate;
    case ModelErrorKind::kDown:
      return Outcome::kProviderDown;
    case ModelErrorKind::kProtocol:
    case ModelErrorKind::kBadRequest:
    case ModelErrorKind::kTooLong:
    case ModelErrorKind::kDiverged:
      return Outcome::kProviderProtocol;
    case ModelErrorKind::kBudget:
      return Outcome::kBudgetCost;
    case ModelErrorKind::kCancelled:
      return Outcome::kCancelled;
    case ModelErrorKind::kDeadline:
      return Outcome::kBudgetTime;
  }
  return Outcome::kInternal;
}

int ExitCode(Outcome outcome, int signal_number) {
  if (outcome == Outcome::kCancelled && signal_number > 0) return 128 + signal_number;
  return InfoOf(outcome).exit_code;
}

}  // namespace rune::agent
