#include "agent/run/outcome.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <set>
#include <string>

#include "agent/conversation/model.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

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

/// The words of docs/cli.md, section "Exit codes", and the first cells of the rows that they are in.
std::map<std::string, std::set<std::string>> DocumentedOutcomes() {
  const auto text = ReadFile(std::string(RUNE_SOURCE_DIR) + "/docs/cli.md");
  EXPECT_TRUE(text.ok());
  const std::string whole = text.ok() ? *text : "";
  const std::size_t begin = whole.find("\n## Exit codes\n") + 1;
  std::map<std::string, std::set<std::string>> outcomes;
  for (const std::string_view line :
       Split(std::string_view(whole).substr(begin, whole.find("\n## ", begin) - begin), '\n')) {
    const auto cells = Split(line, '|');
    if (cells.size() < 4) continue;
    const auto words = Split(cells[2], '`');
    for (std::size_t i = 1; i < words.size(); i += 2) {
      if (!words[i].starts_with('-')) outcomes[std::string(words[i])].emplace(Trim(cells[1]));
    }
  }
  return outcomes;
}

TEST(OutcomeDocumentation, NamesEachOutcomeInTheRowOfItsExitCode) {
  const auto documented = DocumentedOutcomes();
  EXPECT_EQ(documented.size(), kOutcomes.size());
  for (const OutcomeInfo& info : kOutcomes) {
    const auto found = documented.find(std::string(info.name));
    ASSERT_NE(found, documented.end()) << info.name;
    std::set<std::string> codes{std::to_string(info.exit_code)};
    if (info.outcome == Outcome::kAnsweredWithDenials) codes.insert("0");  // under --on-denial warn
    if (info.outcome == Outcome::kCancelled) codes = {"130, 143"};
    EXPECT_EQ(found->second, codes) << info.name;
  }
}

}  // namespace
}  // namespace rune::agent
