/// Whole runs that pay: the loop hands the right names and numbers to its allowance (allowance_test.cc has the tables).
/// And what a run shows the model, and what it does when the conversation gets too long.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "agent/cost/spending.h"
#include "agent/loop/agent.h"
#include "agent/providers/fallback.h"
#include "agent/run/run.h"
#include "sandbox/base/log.h"
#include "tests/support/sandbox_helper.h"
#include "tests/unit/loop/scripted_model.h"

namespace rune::agent {
namespace {

class Notices : public RunObserver {
 public:
  void OnNotice(const std::string& notice) override { said.push_back(notice); }
  void OnStep(const StepRecord& step) override { steps.push_back(step); }
  std::vector<std::string> said;
  std::vector<StepRecord> steps;
};

class MoneyTest : public testing::Test {
 protected:
  void SetUp() override {
    sandbox_ = sandbox::Sandbox::Create(loop_, {.helper = SandboxHelper()}).value();
    options_.system_prompt = "system";
    Prices({"scripted/configured-model 1 0.5 1 10"});
  }
  void Prices(const std::vector<std::string>& rows) { options_.prices = PriceTable::Create(rows).value(); }
  Agent MakeAgent(ModelClient& model) {
    policy_ = std::make_unique<Policy>(
        Policy::Create({}, {.cwd = "/var/tmp", .tmp_dir = sandbox_->tmp_dir()}, PolicyMode::kAllowlist).value());
    return Agent({loop_, model, *sandbox_, *policy_, observer_, tools_}, options_);
  }
  RunResult Run(ModelClient& model) { return MakeAgent(model).Run("go"); }

  EventLoop loop_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  const Toolbox tools_ = BuiltinToolbox();
  std::unique_ptr<Policy> policy_;
  AgentOptions options_;
  ScriptedModel model_;
  Notices observer_;
};

ToolCall Wrong(int n) { return {"c" + std::to_string(n), "no_such_tool", R"({"n":)" + std::to_string(n) + "}"}; }

TEST_F(MoneyTest, ARunSaysWhatItCost) {
  model_.Call({Wrong(1)});
  model_.Say("done");
  const RunResult result = Run(model_);
  EXPECT_EQ(result.outcome, Outcome::kAnswered) << result.detail;
  EXPECT_EQ(result.cost, 2 * (100 * 1'000'000U + 10 * 10'000'000U));
  ASSERT_EQ(observer_.steps.size(), 2U);
  EXPECT_EQ(observer_.steps[0].cost, 200'000'000U);
  EXPECT_EQ(model_.options[0].max_output_tokens, 0U) << "without a budget the provider decides";
}

TEST_F(MoneyTest, WithoutAPriceNothingIsSaid) {
  Prices({});
  model_.Say("done");
  const RunResult result = Run(model_);
  EXPECT_EQ(result.cost, std::nullopt);
  EXPECT_TRUE(observer_.said.empty());
}

TEST_F(MoneyTest, TheModelThatAnsweredIsPaidAndNotTheOneThatWasAsked) {
  Prices({"scripted/configured-model 1 0 0 1", "other/model 2 0 0 2"});
  ModelOutcome reply = ScriptedModel::Reply("done", {});
  std::get<ModelReply>(reply).message.origin = "other/model";
  model_.Push(std::move(reply));
  EXPECT_EQ(Run(model_).cost, 110 * 2'000'000U);
}

TEST_F(MoneyTest, ACallThatCouldCostTooMuchIsNotMade) {
  options_.budgets.cost_usd = 0.000'01;
  const RunResult result = Run(model_);
  EXPECT_EQ(result.outcome, Outcome::kBudgetCost);
  EXPECT_TRUE(model_.asked.empty());
  EXPECT_NE(result.detail.find("limits.cost_usd"), std::string::npos) << result.detail;
}

TEST_F(MoneyTest, TheAnswerIsCappedToWhatIsLeft) {
  options_.budgets.cost_usd = 0.02;
  model_.Call({Wrong(1)});
  model_.Say("done");
  EXPECT_EQ(Run(model_).outcome, Outcome::kAnswered);
  ASSERT_EQ(model_.options.size(), 2U);
  EXPECT_GT(model_.options[0].max_output_tokens, 16U);
  EXPECT_LT(model_.options[0].max_output_tokens, 2000U);
}

TEST_F(MoneyTest, AnAnswerThatTheMoneyCutIsABudgetThatEnded) {
  options_.budgets.cost_usd = 0.02;
  ModelOutcome reply = ScriptedModel::Reply("hal", {});
  std::get<ModelReply>(reply).message.stop = Stop::kLength;
  model_.Push(reply);
  EXPECT_EQ(Run(model_).outcome, Outcome::kBudgetCost);
  options_.budgets.cost_usd = 100;
  model_.Push(reply);
  EXPECT_EQ(Run(model_).outcome, Outcome::kBudgetTokens) << "the control: there was money enough";
}

TEST_F(MoneyTest, AnUnknownPriceCountsAsTheDearestAndThatIsSaidOnce) {
  Prices({});
  options_.budgets.cost_usd = 2;
  model_.Call({Wrong(1)});
  model_.Call({Wrong(2)});
  model_.Say("done");
  const RunResult result = Run(model_);
  EXPECT_EQ(result.outcome, Outcome::kAnswered) << result.detail;
  EXPECT_EQ(result.cost, std::nullopt);
  ASSERT_EQ(observer_.said.size(), 1U);
  EXPECT_NE(observer_.said[0].find("scripted/configured-model"), std::string::npos);
}

/// What the models behind a FallbackClient did together.
struct Tally {
  std::uint64_t spent = 0;
  int failures = 0;
  int answers = 0;
  int refusals = 0;  ///< Of another try.
};

/// One of several. Tries that fail have their price, too, until it is told to stop.
class ShakyModel : public ModelClient {
 public:
  ShakyModel(std::string name, const Price& price, std::uint64_t seed, Tally& tally)
      : name_(std::move(name)), price_(price), random_(seed), tally_(tally) {}
  ModelOutcome Complete(const ModelRequest& request, const TextSink&) override {
    const std::uint64_t guess = EstimateTokens(request.messages) + EstimateTokens(request.tools);
    const std::uint64_t most = counted_ > 0 ? counted_ + 2 * (guess - guess_) : 2 * guess;
    for (int attempt = 0; attempt < 3; ++attempt) {
      Usage usage{.input = 1 + Below(most - 1), .output = Below(request.options.max_output_tokens)};
      usage.cached = Below(usage.input);
      usage.cache_write = Below(usage.input - usage.cached);
      tally_.spent += CostOf(usage, price_);
      if (Below(2) == 0) {
        ++tally_.answers;
        ModelOutcome outcome = ScriptedModel::Reply("", {Wrong(tally_.answers)});
        ModelReply& reply = std::get<ModelReply>(outcome);
        reply.usage = usage;
        reply.message.origin = name_ + "/m";
        counted_ = usage.input;
        guess_ = guess;
        return outcome;
      }
      ++tally_.failures;
      if (!request.on_failed(name_ + "/m", usage)) {
        ++tally_.refusals;
        return ModelError{ModelErrorKind::kBudget, "it broke off"};
      }
    }
    return ModelError{ModelErrorKind::kDown, "it is down"};
  }
  std::string provider() const override { return name_; }
  std::string model() const override { return "m"; }

 private:
  std::uint64_t Below(std::uint64_t n) { return random_() % (n + 1); }
  std::string name_;
  Price price_;
  std::mt19937_64 random_;
  Tally& tally_;
  std::uint64_t counted_ = 0;
  std::uint64_t guess_ = 0;
};

TEST_F(MoneyTest, ARunKeepsToItsCapWhoeverAnswersAndHoweverOftenTheyFail) {
  SetLogLevel(LogLevel::kError);
  Prices({"cheap/m 0.5 0.05 0.6 2", "dear/m 15 1.5 18.75 75", "middle/m 3 0.3 3.75 15"});
  Tally all;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Tally tally;
    std::vector<std::unique_ptr<ModelClient>> clients;
    for (const char* const name : {"cheap", "dear", "middle"}) {
      const Price price = options_.prices.Find(std::string(name) + "/m").value();
      clients.push_back(std::make_unique<ShakyModel>(name, price, seed * 3 + clients.size(), tally));
    }
    FallbackClient model(std::move(clients));
    options_.budgets.cost_usd = 0.05 * static_cast<double>(2 * seed);
    const RunResult result = Run(model);
    EXPECT_EQ(result.cost.value_or(0), tally.spent) << "what failed is in the sum; seed " << seed;
    ASSERT_LE(tally.spent, Picodollars(options_.budgets.cost_usd)) << "seed " << seed << ": " << result.detail;
    if (tally.refusals > 0) {
      EXPECT_EQ(result.outcome, Outcome::kBudgetCost) << result.detail;
    }
    all.failures += tally.failures;
    all.answers += tally.answers;
    all.refusals += tally.refusals;
  }
  SetLogLevel(LogLevel::kWarn);
  EXPECT_GT(all.failures, 20);
  EXPECT_GT(all.answers, 20);
  EXPECT_GT(all.refusals, 1);
}

TEST_F(MoneyTest, ADearerFallbackCountsOnlyAsLongAsItMayBeAsked) {
  Prices({"scripted/configured-model 1 0 0 1", "dear/m 10 0 0 10"});
  Tally unused;
  auto first = std::make_unique<ScriptedModel>();
  ScriptedModel* const scripted = first.get();
  scripted->Call({Wrong(1)});
  scripted->Say("done");
  std::vector<std::unique_ptr<ModelClient>> clients;
  clients.push_back(std::move(first));
  clients.push_back(std::make_unique<ShakyModel>("dear", Price{}, 1, unused));
  FallbackClient model(std::move(clients));
  options_.budgets.cost_usd = 0.1;
  EXPECT_EQ(Run(model).outcome, Outcome::kAnswered);
  ASSERT_EQ(scripted->options.size(), 2U);
  EXPECT_LT(scripted->options[0].max_output_tokens, 10'000U) << "ten times as dear";
  EXPECT_GT(scripted->options[1].max_output_tokens, 10'000U) << "after a tool has run nobody else is asked";
}

TEST_F(MoneyTest, AFailedTryThatEatsTheBudgetIsTheLast) {
  Prices({"dear/m 1 0 0 10"});
  options_.budgets.tokens = 20'000;
  class Eats : public ScriptedModel {
    ModelOutcome Complete(const ModelRequest& request, const TextSink&) override {
      may_go_on = request.on_failed("dear/m", {.input = 18'000});
      return ModelError{ModelErrorKind::kBudget, "it broke off"};
    }

   public:
    bool may_go_on = true;
  } model;
  const RunResult result = Run(model);
  EXPECT_FALSE(model.may_go_on);
  EXPECT_EQ(result.outcome, Outcome::kBudgetTokens);
  EXPECT_EQ(result.detail,
            "it broke off; another try could take more than is left: 18000 tokens are used (token_budget)");
}

TEST_F(MoneyTest, PicturesComeBeforeTheQuestion) {
  model_.Say("a cat");
  MakeAgent(model_).Run("what is it?", {Image{"image/png", "png"}});
  const Message& question = model_.asked[0].back();
  ASSERT_EQ(question.parts.size(), 2U);
  EXPECT_EQ(std::get<Image>(question.parts[0]).data, "png");
  EXPECT_EQ(std::get<Text>(question.parts[1]).text, "what is it?");
}

TEST_F(MoneyTest, AConversationHasOneCacheKeyAndAnotherHasAnother) {
  for (int i = 0; i < 3; ++i) model_.Say("ok");
  Agent agent = MakeAgent(model_);
  agent.Run("one");
  agent.Run("two");
  agent.Reset();
  agent.Run("three");
  EXPECT_GE(model_.options[0].cache_key.size(), 32U);
  EXPECT_EQ(model_.options[0].cache_key, model_.options[1].cache_key);
  EXPECT_NE(model_.options[1].cache_key, model_.options[2].cache_key);
}

TEST_F(MoneyTest, AConversationThatIsTooLongIsShortenedOnce) {
  options_.compact_keep_last = 1;
  model_.Call({Wrong(1)});
  model_.Call({Wrong(2)});
  model_.Fail(ModelErrorKind::kTooLong);
  model_.Say("done");
  EXPECT_EQ(Run(model_).outcome, Outcome::kAnswered);
  EXPECT_LT(model_.asked[3].size(), model_.asked[2].size());
  for (int i = 0; i < 2; ++i) model_.Fail(ModelErrorKind::kTooLong);
  EXPECT_EQ(Run(model_).outcome, Outcome::kProviderProtocol) << "nothing is left to drop";
}

/// Two prompts about one topic, a long one between them, and a picker that would keep the longest turn.
class CompactionTest : public MoneyTest {
 protected:
  void Converse(std::uint64_t room) {
    options_.compact_keep_last = 1;
    options_.compact_threshold = 1;
    options_.context_window = EstimateTokens(tools_.Specs()) + room;
    options_.pick_turns = [this](const std::string& question, const std::vector<std::string>& turns) {
      questions_.push_back(question);
      std::vector<std::size_t> longest;
      for (std::size_t i = 0; i < turns.size(); ++i) {
        if (longest.empty() || turns[i].size() > turns[longest[0]].size()) longest = {i};
      }
      return longest;
    };
    for (int i = 0; i < 3; ++i) {
      ModelOutcome reply = ScriptedModel::Reply("fine " + std::string(400, 'y'), {});
      std::get<ModelReply>(reply).usage_known = false;
      model_.Push(std::move(reply));
    }
    Agent agent = MakeAgent(model_);
    agent.Run("first");
    agent.Run("second " + std::string(800, 'x'));
    agent.Run("third");
    for (const Message& message : model_.asked.back()) shown_ += TextOf(message) + "\n";
  }
  std::vector<std::string> questions_;
  std::string shown_;
};

TEST_F(CompactionTest, WhatMattersIsKept) {
  Converse(440);
  EXPECT_EQ(questions_, std::vector<std::string>{"third"});
  EXPECT_NE(shown_.find("left out"), std::string::npos) << shown_;
  EXPECT_NE(shown_.find("second xxx"), std::string::npos) << shown_;
}

TEST_F(CompactionTest, UnlessItDoesNotFit) {
  Converse(200);
  EXPECT_FALSE(questions_.empty());
  EXPECT_EQ(shown_.find("second xxx"), std::string::npos) << shown_;
  EXPECT_NE(shown_.find("third"), std::string::npos);
}

}  // namespace
}  // namespace rune::agent
