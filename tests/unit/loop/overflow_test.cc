/// What happens to a conversation that the provider finds too long.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "agent/loop/agent.h"
#include "agent/loop/parts.h"
#include "agent/run/run.h"
#include "tests/support/sandbox_helper.h"
#include "tests/unit/loop/scripted_model.h"

namespace rune::agent {
namespace {

class OverflowTest : public testing::Test {
 protected:
  void SetUp() override {
    sandbox_ = sandbox::Sandbox::Create(loop_, {.helper = SandboxHelper()}).value();
    policy_ = std::make_unique<Policy>(
        Policy::Create({}, {.cwd = "/var/tmp", .tmp_dir = sandbox_->tmp_dir()}, PolicyMode::kAllowlist).value());
    options_.system_prompt = "system";
    options_.compact_keep_last = 1;
    agent_ = std::make_unique<Agent>(AgentParts{loop_, model_, *sandbox_, *policy_, observer_, tools_}, options_);
  }
  /// Prompts that are long enough to be worth leaving out.
  void Converse(int prompts, std::size_t bytes) {
    for (int i = 0; i < prompts; ++i) {
      model_.Say("fine");
      agent_->Run(std::to_string(i) + std::string(bytes, 'x'));
    }
  }

  EventLoop loop_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  const Toolbox tools_ = BuiltinToolbox();
  std::unique_ptr<Policy> policy_;
  RunObserver observer_;
  AgentOptions options_;
  ScriptedModel model_;
  std::unique_ptr<Agent> agent_;
};

TEST_F(OverflowTest, IsMetWithAShorterConversationAndTheSameQuestion) {
  Converse(4, 2000);
  model_.Fail(ModelErrorKind::kTooLong);
  model_.Say("done");
  const RunResult result = agent_->Run("the question");
  EXPECT_EQ(result.outcome, Outcome::kAnswered) << result.detail;
  EXPECT_LT(model_.asked.back().size(), model_.asked[model_.asked.size() - 2].size());
  EXPECT_EQ(TextOf(model_.asked.back().back()), "the question");
}

TEST_F(OverflowTest, ThatStaysLosesNothing) {
  Converse(4, 2000);
  const std::size_t before = agent_->history().size();
  model_.Fail(ModelErrorKind::kTooLong);
  model_.Fail(ModelErrorKind::kTooLong);
  EXPECT_EQ(agent_->Run("the question").outcome, Outcome::kProviderProtocol);
  EXPECT_EQ(agent_->history().size(), before + 1) << "all of it, and the question";
  EXPECT_EQ(model_.asked.size(), 4u + 2u) << "asked once more, and no third time";
}

TEST_F(OverflowTest, ThatEndsInAnotherFailureLosesNothingEither) {
  Converse(4, 2000);
  const std::size_t before = agent_->history().size();
  model_.Fail(ModelErrorKind::kTooLong);
  model_.Fail(ModelErrorKind::kDown);
  EXPECT_EQ(agent_->Run("the question").outcome, Outcome::kProviderDown);
  EXPECT_EQ(agent_->history().size(), before + 1);
}

TEST_F(OverflowTest, ThatShorteningDoesNotHelpIsReportedAtOnce) {
  Converse(2, 1);
  const std::size_t before = agent_->history().size();
  model_.Fail(ModelErrorKind::kTooLong);
  // Nearly all of it is in the question itself.
  EXPECT_EQ(agent_->Run(std::string(50'000, 'y')).outcome, Outcome::kProviderProtocol);
  EXPECT_EQ(agent_->history().size(), before + 1);
  EXPECT_EQ(model_.asked.size(), 3u);
}

TEST_F(OverflowTest, MayHappenAgainLaterInTheRunAndTheQuestionStays) {
  Converse(4, 2000);
  model_.Fail(ModelErrorKind::kTooLong);
  for (int i = 0; i < 3; ++i) {
    const std::string args = "{\"n\":\"" + std::to_string(i) + std::string(4000, 'z') + "\"}";
    model_.Call({{"c" + std::to_string(i), "no_such_tool", args, ""}});
  }
  model_.Fail(ModelErrorKind::kTooLong);
  model_.Say("done");
  const RunResult result = agent_->Run("the question");
  EXPECT_EQ(result.outcome, Outcome::kAnswered) << result.detail;
  const auto& last = model_.asked.back();
  EXPECT_LT(last.size(), model_.asked[model_.asked.size() - 2].size());
  EXPECT_TRUE(std::any_of(last.begin(), last.end(), [](const Message& m) { return TextOf(m) == "the question"; }));
}

/// Knows its own window.
class SmallModel : public ScriptedModel {
 public:
  std::uint64_t context_window() const override { return 3000; }
};

TEST_F(OverflowTest, IsForeseenWhenTheWindowOfTheModelIsKnown) {
  SmallModel model;
  Agent agent({loop_, model, *sandbox_, *policy_, observer_, tools_}, options_);
  for (int i = 0; i < 6; ++i) {
    ModelOutcome reply = ScriptedModel::Reply("fine", {});
    std::get<ModelReply>(reply).usage_known = false;
    model.Push(std::move(reply));
    agent.Run(std::to_string(i) + std::string(4000, 'x'));
  }
  EXPECT_LT(model.asked.back().size(), 8u) << "older messages were left out";
}

}  // namespace
}  // namespace rune::agent
