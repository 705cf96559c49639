#include "agent/run/outcome.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <string>

#include "agent/conversation/model.h"

namespace rune::agent {
namespace {

TEST(OutcomeTest, EveryOutcomeHasItsRowInOrder) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(kOutcomes[i].outcome), i);
    EXPECT_TRUE(names.insert(kOutcomes[i].name).second);
    EXPECT_EQ(InfoOf(kOutcomes[i].outcome).name, kOutcomes[i].name);
  }
  EXPECT_EQ(static_cast<std::size_t>(Outcome::kInternal) + 1, kOutcomes.size());
}

TEST(OutcomeTest, OnlyAnAnswerIsZero) {
  for (const OutcomeInfo& info : kOutcomes)
    EXPECT_EQ(info.exit_code == 0, info.outcome == Outcome::kAnswered) << info.name;
}

/// A run ends for every kind of error, and never as if there were an answer.
TEST(OutcomeTest, EveryErrorOfAModelHasOne) {
  for (int kind = 0; kind <= static_cast<int>(ModelErrorKind::kDeadline); ++kind) {
    const Outcome outcome = OutcomeOf(static_cast<ModelErrorKind>(kind));
    EXPECT_NE(outcome, Outcome::kInternal) << kind;
    EXPECT_NE(InfoOf(outcome).exit_code, 0) << kind;
  }
}

TEST(OutcomeTest, AnInterruptionExitsLikeTheSignal) {
  EXPECT_EQ(ExitCode(Outcome::kCancelled, SIGTERM), 143);
  EXPECT_EQ(ExitCode(Outcome::kCancelled, SIGINT), 130);
  EXPECT_EQ(ExitCode(Outcome::kCancelled), 130);
  EXPECT_EQ(ExitCode(Outcome::kInternal, SIGTERM), 1);
  EXPECT_EQ(ExitCode(Outcome::kBudgetTime), 3);
  EXPECT_EQ(ExitCode(Outcome::kSandboxUnavailable), 6);
}

}  // namespace
}  // namespace rune::agent
