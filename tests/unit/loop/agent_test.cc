/// The loop against a scripted model, with the real sandbox under it.
#include "agent/loop/agent.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <functional>
#include <memory>

#include "agent/loop/parts.h"
#include "agent/run/run.h"
#include "sandbox/base/files.h"
#include "sandbox/process_list.h"
#include "tests/unit/loop/agent_fixture.h"

namespace rune::agent {
namespace {

using namespace std::chrono_literals;

TEST_F(AgentTest, AnAnswerEndsTheRun) {
  model_.Say("hello \x1b[31mred");
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kAnswered);
  EXPECT_EQ(result.answer, "hello red");
  EXPECT_EQ(result.steps, 1U);
  EXPECT_EQ(result.usage.total(), 110U);
  EXPECT_EQ(result.model, "scripted-1");
  EXPECT_TRUE(result.proof.layers.empty()) << "nothing ran, so nothing is claimed";
  EXPECT_EQ(observer_.ends, std::vector<Outcome>{Outcome::kAnswered});
}

TEST_F(AgentTest, ToolsReallyRunAndTheirResultsComeInCallOrder) {
  model_.Call({Exec("c1", "sleep 0.3"), Exec("c2", "echo two"), {"c3", "list_dir", R"({"path":"."})"}});
  model_.Say("done");
  ASSERT_TRUE(WriteFileAtomic(work_->path() + "/here.txt", "x").ok());
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kAnswered) << result.detail;
  const auto results = LastResults();
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].call_id, "c1");
  EXPECT_EQ(results[1].text.substr(0, 3), "two");
  EXPECT_NE(results[2].text.find("here.txt"), std::string::npos);
  EXPECT_EQ(observer_.ended.back(), "execute_cmd") << "the sleeper ended last";
  EXPECT_EQ(result.proof.layers.size(), sandbox::kLayerCount);
}

TEST_F(AgentTest, ParallelCallsTakeAsLongAsTheLongest) {
  std::vector<ToolCall> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(Exec("c" + std::to_string(i), "sleep 0.4"));
  model_.Call(std::move(calls));
  model_.Say("done");
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kAnswered);
  EXPECT_LT(result.wall_ms, 1300U);
}

TEST_F(AgentTest, ToolMistakesGoToTheModelAndDoNotEndTheRun) {
  model_.Call({{"c1", "no_such_tool", "{}"},
               {"c2", "read_file", "{"},
               {"c3", "read_file", R"({"pth":"x"})"},
               {"c4", "read_file", R"({"path":"missing"})"}});
  model_.Say("sorry");
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kAnswered) << result.detail;
  for (const ToolResult& tool : LastResults()) EXPECT_TRUE(tool.is_error) << tool.text;
  EXPECT_NE(LastResults()[0].text.find("the tools are:"), std::string::npos);
  EXPECT_NE(LastResults()[2].text.find("path"), std::string::npos);
}

TEST_F(AgentTest, AToolHasOneNameAndBlanksAroundItDoNotMatter) {
  model_.Call({{"c1", "Execute_Cmd", R"({"cmd":"uname"})"},
               {"c2", "functions.execute_cmd", R"({"cmd":"uname"})"},
               {"c3", "default_api:execute_cmd", R"({"cmd":"uname"})"},
               {"c4", " execute_cmd\n", R"({"cmd":"uname"})"}});
  model_.Say("done");
  config_.allowed_commands = {"uname"};
  Run();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_THAT(LastResults().at(i).text, testing::HasSubstr("there is no tool"));
  EXPECT_FALSE(LastResults().at(3).is_error) << LastResults().at(3).text;
}

TEST_F(AgentTest, DuplicateKeysInArgumentsAreRefused) {
  model_.Call({{"c1", "execute_cmd", R"({"cmd":"echo a","cmd":"echo b"})"}});
  model_.Say("sorry");
  Run();
  EXPECT_TRUE(LastResults().at(0).is_error);
}

TEST_F(AgentTest, TheStepBudgetIsKept) {
  options_.budgets.steps = 3;
  int n = 0;
  for (; n < 10; ++n) model_.Call({Exec("c" + std::to_string(n), "echo " + std::to_string(n))});
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kBudgetSteps);
  EXPECT_EQ(model_.asked.size(), 3U);
  EXPECT_NE(result.detail.find("max_steps"), std::string::npos);
}

TEST_F(AgentTest, TheTokenBudgetIsPaidBeforeTheCall) {
  options_.budgets.tokens = 200;
  const RunResult result = Run(std::string(4000, 'x'));
  EXPECT_EQ(result.outcome, Outcome::kBudgetTokens);
  EXPECT_TRUE(model_.asked.empty()) << "the call that cannot be paid is not made";
}

TEST_F(AgentTest, TheTokenBudgetBoundsTheAnswer) {
  options_.budgets.tokens = 5000;
  model_.Say("ok");
  EXPECT_EQ(Run().outcome, Outcome::kAnswered);
  ASSERT_EQ(model_.options.size(), 1U);
  EXPECT_GT(model_.options[0].max_output_tokens, 0U);
  EXPECT_LT(model_.options[0].max_output_tokens, 5000U);
}

TEST_F(AgentTest, TheWallClockKillsARunningTool) {
  options_.budgets.wall = 1s;
  model_.Call({Exec("c1", "sleep 50")});
  const TimePoint start = Clock::now();
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kBudgetTime);
  EXPECT_LT(Clock::now() - start, 4s);
  EXPECT_EQ(sandbox_->running(), 0U);
}

TEST_F(AgentTest, TheSameCallAgainAndAgainIsALoop) {
  model_.RepeatForEver(ScriptedModel::Reply("", {Exec("c1", "echo same")}));
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kLooped);
  EXPECT_EQ(result.steps, 5U);
  EXPECT_NE(TextOf(model_.asked[3].back()).find("Try something else"), std::string::npos) << "the model was told first";
}

TEST_F(AgentTest, EveryProviderErrorHasItsOutcome) {
  const struct {
    ModelErrorKind kind;
    Outcome outcome;
  } cases[] = {{ModelErrorKind::kAuth, Outcome::kProviderAuth},
               {ModelErrorKind::kRate, Outcome::kProviderRate},
               {ModelErrorKind::kDown, Outcome::kProviderDown},
               {ModelErrorKind::kProtocol, Outcome::kProviderProtocol},
               {ModelErrorKind::kBadRequest, Outcome::kProviderProtocol},
               {ModelErrorKind::kDiverged, Outcome::kProviderProtocol},
               {ModelErrorKind::kCancelled, Outcome::kCancelled},
               {ModelErrorKind::kDeadline, Outcome::kBudgetTime}};
  for (const auto& c : cases) {
    model_.Fail(c.kind);
    const RunResult result = Run();
    EXPECT_EQ(result.outcome, c.outcome);
    EXPECT_FALSE(result.answered());
    EXPECT_FALSE(result.detail.empty());
  }
}

TEST_F(AgentTest, AnEmptyCutOrFilteredAnswerIsNoAnswer) {
  model_.Say(" \n ");
  EXPECT_EQ(Run().outcome, Outcome::kStalled);
  for (const auto& [stop, outcome] :
       {std::pair{Stop::kLength, Outcome::kBudgetTokens}, std::pair{Stop::kFiltered, Outcome::kProviderProtocol}}) {
    ModelOutcome reply = ScriptedModel::Reply("half", {Exec("c1", "echo must-not-run")});
    std::get<ModelReply>(reply).message.stop = stop;
    model_.Push(std::move(reply));
    EXPECT_EQ(Run().outcome, outcome);
  }
  EXPECT_TRUE(observer_.started.empty()) << "a call that may be cut is not run";
}

TEST_F(AgentTest, APausedAnswerGoesOnWhenItIsSentBack) {
  ModelOutcome reply = ScriptedModel::Reply("first half, ", {});
  std::get<ModelReply>(reply).message.stop = Stop::kPaused;
  model_.Push(std::move(reply));
  model_.Say("second half");
  const RunResult result = Run();
  EXPECT_TRUE(result.answered());
  EXPECT_EQ(result.answer, "first half, second half");
  ASSERT_EQ(model_.asked.size(), 2u);
  EXPECT_EQ(TextOf(model_.asked[1].back()), "first half, ");
}

TEST_F(AgentTest, AnInterruptionEndsTheRunAndItsTools) {
  model_.Call({Exec("c1", "sleep 50")});
  loop_.At(Clock::now() + 300ms, [this] { loop_.Interrupt(SIGTERM); });
  const TimePoint start = Clock::now();
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kCancelled);
  EXPECT_EQ(result.signal_number, SIGTERM);
  EXPECT_LT(Clock::now() - start, 3s);
  EXPECT_EQ(sandbox_->running(), 0U);
}

TEST_F(AgentTest, ASchemaIsKeptOrTheRunFails) {
  options_.generation.schema =
      R"({"type":"object","properties":{"verdict":{"enum":["pass","fail"]}},"required":["verdict"]})";
  model_.Say("```json\n{\"verdict\": \"pass\"}\n```");
  EXPECT_EQ(Run().structured, R"({"verdict":"pass"})");

  model_.Say("It passes.");
  model_.Say(R"({"verdict":"fail"})");
  const RunResult repaired = Run();
  EXPECT_EQ(repaired.outcome, Outcome::kAnswered);
  EXPECT_EQ(repaired.structured, R"({"verdict":"fail"})");
  EXPECT_EQ(repaired.steps, 2U);

  model_.Say("It passes.");
  model_.Say(R"({"verdict":"maybe"})");
  const RunResult broken = Run();
  EXPECT_EQ(broken.outcome, Outcome::kSchemaUnsatisfied);
  EXPECT_EQ(broken.answer, "");
}

TEST_F(AgentTest, TheConversationGoesOn) {
  model_.Say("first");
  Run("one");
  model_.Say("second");
  agent_->Run("two");
  ASSERT_EQ(model_.asked.back().size(), 4U) << "system, one, first, two";
  EXPECT_EQ(TextOf(model_.asked.back()[2]), "first");
}

TEST_F(AgentTest, ALongConversationIsCompactedWithoutOrphans) {
  options_.context_window = 2000;
  options_.compact_keep_last = 2;
  for (int i = 0; i < 6; ++i) {
    model_.Call({Exec("c" + std::to_string(i), "echo " + std::string(1500, static_cast<char>('a' + i)))});
  }
  model_.Say("done");
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kAnswered) << result.detail;
  EXPECT_FALSE(observer_.notices.empty());
  for (const auto& messages : model_.asked) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (messages[i].role == Role::kTool) {
        EXPECT_EQ(messages[i - 1].role, Role::kAssistant);
      }
    }
  }
}

TEST_F(AgentTest, WithoutTheHelperTheRunSaysSo) {
  auto broken = sandbox::Sandbox::Create(loop_, {.helper = "/nonexistent/rune-sandbox"});
  ASSERT_TRUE(broken.ok());
  sandbox_ = std::move(broken).value();
  model_.Call({Exec("c1", "echo x")});
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kSandboxUnavailable);
}

TEST_F(AgentTest, ALostSandboxIsTheReasonAlsoWhenAnotherCallOfTheBatchWasRefused) {
  model_.Call({Exec("c1", "sleep 20"), Exec("c2", "rm -rf /")});
  std::function<void()> kill_when_it_sleeps = [&] {
    // The guardian is our only child; the sleep is a child of it.
    if (observer_.started.empty()) {
      loop_.At(Clock::now() + Milliseconds(20), kill_when_it_sleeps);
      return;
    }
    for (const pid_t guardian : sandbox::ChildrenOfSelf()) ::kill(guardian, SIGKILL);
  };
  loop_.At(Clock::now() + Milliseconds(20), kill_when_it_sleeps);
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kSandboxUnavailable);
  EXPECT_EQ(result.detail, "the sandbox was lost; the call was stopped");
}

}  // namespace
}  // namespace rune::agent
