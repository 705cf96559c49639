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

TEST(BreakerTest, NameArgumentsAndResultOfACallAreKeptApart) {
  Breaker breaker;
  const std::vector<std::pair<ToolCall, std::string>> steps{
      {{"id", "ab", "c"}, "d"}, {{"id", "a", "bc"}, "d"}, {{"id", "ab", "cd"}, ""}, {{"id", "abc", ""}, "d"}};
  for (int round = 0; round < 2; ++round) {
    for (const auto& [call, result] : steps)
      EXPECT_EQ(breaker.Observe({call}, Results(result)), Breaker::Verdict::kGoOn) << call.name;
  }
}

TEST(BreakerTest, TheMostRepeatedCallOfAStepCountsAndOneNewCallIsNews) {
  Breaker breaker;
  Breaker::Verdict last = Breaker::Verdict::kGoOn;
  for (int step = 1; step <= Breaker::kStopAfter; ++step) {
    // The new call stands first in one step and last in the next.
    std::vector<ToolCall> calls{{"1", "tool", "same"}, {"2", "tool", std::to_string(step)}};
    if (step % 2 == 0) std::swap(calls[0], calls[1]);
    Message results = Results("x");
    results.parts.push_back(results.parts[0]);
    last = breaker.Observe(calls, results);
    if (step == Breaker::kWarnAfter) {
      EXPECT_EQ(last, Breaker::Verdict::kWarn);
    }
  }
  EXPECT_EQ(last, Breaker::Verdict::kLooped);
}

TEST(BreakerTest, ACallWithoutAResultIsKnownByWhatWasCalled) {
  Breaker breaker;
  const std::vector<ToolCall> calls{{"1", "tool", "a"}, {"2", "tool", "b"}};
  EXPECT_EQ(breaker.Observe(calls, Results("one")), Breaker::Verdict::kGoOn);
  EXPECT_EQ(breaker.Observe(calls, Results("two")), Breaker::Verdict::kGoOn);
  EXPECT_EQ(breaker.Observe(calls, Results("three")), Breaker::Verdict::kWarn) << "the second call";
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
