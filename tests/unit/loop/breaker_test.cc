#include "agent/loop/breaker.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

Message Results(const std::string& text) {
  Message message;
  message.role = Role::kTool;
  message.parts.emplace_back(ToolResult{"id", "tool", text, false});
  return message;
}

TEST(BreakerTest, WarnsAtTheThirdAndStopsAtTheFifthRepetition) {
  Breaker breaker;
  const std::vector<ToolCall> calls{{"id", "tool", "{}"}};
  EXPECT_EQ(breaker.Observe(calls, Results("same")), Breaker::Verdict::kGoOn);
  EXPECT_EQ(breaker.Observe(calls, Results("same")), Breaker::Verdict::kGoOn);
  EXPECT_EQ(breaker.Observe(calls, Results("same")), Breaker::Verdict::kWarn);
  EXPECT_EQ(breaker.Observe(calls, Results("same")), Breaker::Verdict::kGoOn);
  EXPECT_EQ(breaker.Observe(calls, Results("same")), Breaker::Verdict::kLooped);
}

TEST(BreakerTest, PollingSomethingThatChangesIsNoLoop) {
  Breaker breaker;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(breaker.Observe({{"id", "tool", "{}"}}, Results(std::to_string(i))), Breaker::Verdict::kGoOn);
  }
}

TEST(BreakerTest, EightStepsWithoutNewsAreAStall) {
  Breaker breaker;
  Breaker::Verdict last = Breaker::Verdict::kGoOn;
  int steps = 0;
  // Three calls in turn, so that none of them alone is repeated often enough to be a loop.
  for (; steps < 30 && last != Breaker::Verdict::kStalled && last != Breaker::Verdict::kLooped; ++steps) {
    last = breaker.Observe({{"id", "tool", std::to_string(steps % 3)}}, Results("same"));
  }
  EXPECT_EQ(last, Breaker::Verdict::kStalled);
  EXPECT_EQ(steps, 3 + Breaker::kStallSteps);
}

}  // namespace
}  // namespace rune::agent
