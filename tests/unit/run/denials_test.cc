#include "agent/run/denials.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

Refusal Of(const std::string& target) {
  return {.message = "refused: exec " + target + " (landlock)", .target = target};
}

/// A call that never ran.
ToolRecord Blocked(std::uint32_t step, const std::string& target) {
  ToolRecord record{.step = step, .refused = true};
  record.refusals = {Of(target)};
  return record;
}
ToolRecord Ran(std::uint32_t step, const std::string& program, bool succeeded, std::vector<Refusal> refusals = {}) {
  ToolRecord record{.step = step, .ran = true, .succeeded = succeeded, .program = program};
  record.refused = !succeeded && !refusals.empty();
  record.refusals = std::move(refusals);
  return record;
}
/// Of a tool that runs no command line.
ToolRecord File(std::uint32_t step) { return Ran(step, "", true); }
Refusal Secret() {
  Refusal refusal = Of("/home/u/.ssh/id");
  refusal.secret = true;
  return refusal;
}

TEST(Denials, LeaveSomethingUndoneByThreeRules) {
  const struct {
    const char* what;
    std::vector<ToolRecord> tools;
    const char* why;  // how it begins; empty: nothing is left undone
  } rows[] = {
      {"nothing ran", {}, ""},
      {"nothing was refused", {Ran(1, "make", false), File(2)}, ""},
      // The answer right after a step that was refused as a whole.
      {"the only call", {Blocked(1, "rm")}, "the answer follows what was refused: refused: exec rm"},
      {"all of the last step", {File(1), Blocked(2, "rm"), Blocked(2, "mv")}, "the answer follows"},
      {"one of the last step", {Blocked(1, "rm"), File(1)}, ""},
      {"another step came after it", {Blocked(1, "rm"), File(2)}, ""},
      {"not checked, written plainly, done", {Blocked(1, "$X"), Ran(2, "ls", true)}, ""},
      // A command that failed with a refusal in its report.
      {"failed, then something else", {Ran(1, "npm", false, {Of("node")}), File(2)}, "npm never succeeded: refused"},
      {"failed, then the same", {Ran(1, "npm", false, {Of("node")}), Ran(2, "npm", true)}, ""},
      {"the same succeeded before", {Ran(1, "npm", true), Ran(2, "npm", false, {Of("node")}), File(3)}, "npm never"},
      {"the same failed again", {Ran(1, "npm", false, {Of("node")}), Ran(2, "npm", false), File(3)}, "npm never"},
      {"failed without a refusal", {Ran(1, "npm", false), File(2)}, ""},
      {"worked in spite of a refusal", {Ran(1, "npm", true, {Of("node")})}, ""},
      // What the call itself named.
      {"a secret in a command that worked", {Ran(1, "cat", true, {Secret()}), Ran(2, "cat", true)}, "a call named"},
      {"a secret by a file tool, long ago",
       {ToolRecord{.step = 1, .refused = true, .refusals = {Secret()}}, File(2), File(3)},
       "a call named a secret: refused: exec /home/u/.ssh/id"},
  };
  for (const auto& row : rows) {
    const std::string why = Unrecovered(row.tools);
    EXPECT_EQ(why.substr(0, std::string(row.why).size()), row.why) << row.what << ": " << why;
    EXPECT_EQ(why.empty(), std::string(row.why).empty()) << row.what << ": " << why;
  }
}

TEST(Denials, FailARunByTheRuleThatIsSet) {
  const struct {
    Outcome outcome;
    const char* unrecovered;
    bool fail, unrecovered_fails, warn;
  } rows[] = {
      {Outcome::kAnswered, "", false, false, false},
      {Outcome::kAnsweredWithDenials, "", true, false, false},
      {Outcome::kAnsweredWithDenials, "npm never succeeded", true, true, false},
      {Outcome::kRefusedPolicy, "", false, false, false},  // fails by itself
  };
  for (const auto& row : rows) {
    RunResult result;
    result.outcome = row.outcome;
    result.unrecovered = row.unrecovered;
    EXPECT_EQ(FailsByDenial(OnDenial::kFail, result), row.fail);
    EXPECT_EQ(FailsByDenial(OnDenial::kUnrecovered, result), row.unrecovered_fails);
    EXPECT_EQ(FailsByDenial(OnDenial::kWarn, result), row.warn);
  }
  EXPECT_EQ(Config().on_denial, OnDenial::kUnrecovered);
}

TEST(Denials, AreCountedAndBounded) {
  std::vector<Refusal> known;
  for (int i = 0; i < 1000; ++i) AddDenial(known, Of("x" + std::to_string(i % 500)));
  ASSERT_EQ(known.size(), 256U);
  EXPECT_EQ(known[0].count, 2U);
  AddDenial(known, Secret());
  EXPECT_TRUE(known.back().secret) << "what decides is never left out";
  Refusal other = Of("x0");
  other.by = sandbox::DeniedBy::kNetwork;
  std::vector<Refusal> two{Of("x0")};
  AddDenial(two, other);
  EXPECT_EQ(two.size(), 2U) << "another layer is another refusal";
}

TEST(Denials, AreALineEach) {
  std::vector<Refusal> refusals{Of("/a\x1b[31m\nb"), Of("c")};
  refusals[1].count = 3;
  refusals.push_back({.message = "BLOCKED by policy: no"});
  EXPECT_EQ(RefusalLines(refusals),
            (std::vector<std::string>{RefusalLines({refusals[0]})[0], "refused: exec c (landlock), 3 times",
                                      "refused: BLOCKED by policy: no"}));
  EXPECT_EQ(RefusalLines(refusals)[0].find_first_of("\x1b\n"), std::string::npos);
  EXPECT_EQ(RefusalLines(refusals, 2)[1], "refused: 2 more");
  EXPECT_EQ(RefusalLines(refusals, 3).size(), 3U);
}

}  // namespace
}  // namespace rune::agent
