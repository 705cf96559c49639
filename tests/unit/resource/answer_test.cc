#include "resource/answer.h"

#include <gtest/gtest.h>

#include "agent/record/ref.h"
#include "sandbox/base/secret.h"

namespace rune::resource {
namespace {

agent::RunResult Answered(const std::string& text) {
  agent::RunResult result;
  result.outcome = agent::Outcome::kAnswered;
  result.answer = text;
  return result;
}

TEST(AnswerOf, HashesTheRedactedText) {
  const Secret redacted("plum-pudding-7");
  const auto answer = AnswerOf(Answered("The word is plum-pudding-7."), {});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->record.answer, "The word is ***.");
  EXPECT_EQ(answer->ref, *agent::RefOf("The word is ***.", {}));
}

TEST(AnswerOf, KeepsTheLayersAndTheToolsSmall) {
  agent::RunResult run = Answered("x");
  run.proof.layers = {{sandbox::Layer::kLimits, sandbox::LayerState::kEnforced, "cgroup v1", ""},
                      {sandbox::Layer::kLandlock, sandbox::LayerState::kMissing, "", "not in this kernel"}};
  for (int i = 0; i < 100; ++i) run.tools.push_back({.summary = std::string(500, 'x'), .refused = i == 0});
  const auto answer = AnswerOf(run, {});
  EXPECT_EQ(answer->record.layers, "e--m-");
  EXPECT_EQ(answer->record.tools.size(), 32u);
  EXPECT_TRUE(answer->record.tools[0].refused);
  EXPECT_LE(answer->record.tools[0].summary.size(), 130u);
}

TEST(VersionOf, IsPrintableWhateverTheAnswerHolds) {
  auto answer = AnswerOf(Answered("\"<>&\n\xC3\xA9 \\ \xE2\x80\xA8"), {.configured_prompt = "p"});
  ASSERT_TRUE(answer.ok());
  const auto version = VersionOf(*answer, Source(), RecordMode::kInline);
  ASSERT_TRUE(version.ok());
  EXPECT_TRUE(CheckPrintable(*version).ok());
}

}  // namespace
}  // namespace rune::resource
