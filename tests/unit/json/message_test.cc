#include "agent/message.h"

#include <gtest/gtest.h>

#include <set>

#include "agent/outcome.h"

namespace rune::agent {
namespace {

TEST(Message, ShowsItsTextAndItsCalls) {
  Message message = MakeText(Role::kAssistant, "one ");
  message.parts.emplace_back(Reasoning{.text = "hidden"});
  message.parts.emplace_back(ToolCall{.id = "1", .name = "list_dir", .args = "{}"});
  message.parts.emplace_back(Text{"two"});
  EXPECT_EQ(TextOf(message), "one two");
  ASSERT_EQ(CallsOf(message).size(), 1u);
  EXPECT_EQ(CallsOf(message)[0].name, "list_dir");
  EXPECT_EQ(message.role, Role::kAssistant);
}

TEST(Outcome, HasOneNameAndOneExitCodeEach) {
  std::set<std::string_view> names;
  for (const OutcomeInfo& info : kOutcomes) {
    EXPECT_EQ(&InfoOf(info.outcome), &info);
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(ExitCode(info.outcome), info.exit_code);
    EXPECT_EQ(info.exit_code == 0, info.outcome == Outcome::kAnswered);
  }
}

TEST(Outcome, OfACancelledRunCarriesTheSignal) {
  EXPECT_EQ(ExitCode(Outcome::kCancelled, 2), 130);
  EXPECT_EQ(ExitCode(Outcome::kCancelled, 15), 143);
  EXPECT_EQ(ExitCode(Outcome::kCancelled), 130);
  EXPECT_EQ(ExitCode(Outcome::kInternal, 15), 1);
}

}  // namespace
}  // namespace rune::agent
