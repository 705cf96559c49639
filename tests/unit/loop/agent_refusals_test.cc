/// Who hears of a refusal, and what it means for the run.
#include <gmock/gmock.h>

#include "tests/unit/loop/agent_fixture.h"

namespace rune::agent {
namespace {

TEST_F(AgentTest, ARefusedCallIsToldToTheModelAndTaintsTheAnswer) {
  model_.Call({Exec("c1", "rm -rf /")});
  model_.Say("I could not.");
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kAnsweredWithDenials);
  EXPECT_EQ(LastResults().at(0).text, "BLOCKED by policy: command 'rm' is not in allowed_commands");
  EXPECT_TRUE(LastResults().at(0).is_error);
  EXPECT_NE(result.detail.find("allowed_commands = [\"echo\", \"sleep\", \"cat\", \"rm\"]"), std::string::npos)
      << result.detail;
  EXPECT_TRUE(observer_.started.empty()) << "nothing was started";
}

TEST_F(AgentTest, AKernelRefusalCountsAsADenialToo) {
  model_.Call({{"c1", "read_file", R"({"path":"/var/lib/dpkg/status"})"}});
  model_.Say("I could not.");
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kAnsweredWithDenials);
  ASSERT_EQ(result.denials.size(), 1U);
  EXPECT_EQ(result.denials[0].target, "/var/lib/dpkg/status");
  // The control: the same call with what the refusal says is missing.
  ASSERT_EQ(result.denials[0].remedy.grant, sandbox::Grant::kRead);
  config_.allowed_paths_ro.push_back(result.denials[0].remedy.entries.at(0));
  model_.Call({{"c1", "read_file", R"({"path":"/var/lib/dpkg/status"})"}});
  model_.Say("I could.");
  EXPECT_EQ(Run().outcome, Outcome::kAnswered);
}

TEST_F(AgentTest, ARefusalThatOnlyTheKernelSawNamesAWayOutThatWorks) {
  // What is looked for by a link is allowed by the text, and its target is not by the kernel.
  ASSERT_EQ(::symlink("/var/lib/dpkg/status", (work_->path() + "/link").c_str()), 0);
  const auto script = [&] {
    model_.Call({{"c1", "read_file", R"({"path":"link"})"}});
    model_.Say("done");
  };
  script();
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kAnsweredWithDenials);
  ASSERT_EQ(result.denials.size(), 1U);
  EXPECT_EQ(result.denials[0].by, sandbox::DeniedBy::kLandlock);
  EXPECT_EQ(result.denials[0].message, "refused: read " + work_->path() + "/link (landlock)");
  ASSERT_EQ(result.denials[0].remedy.grant, sandbox::Grant::kRead);
  config_.allowed_paths_ro.push_back(result.denials[0].remedy.entries.at(0));
  script();
  EXPECT_EQ(Run().outcome, Outcome::kAnswered);
}

TEST_F(AgentTest, ConfirmModeAsksAndObeys) {
  model_.Call({Exec("c1", "/bin/uname")});
  model_.Say("done");
  observer_.answer = Approval::kOnce;
  EXPECT_EQ(Run("go", PolicyMode::kConfirm).outcome, Outcome::kAnswered);
  EXPECT_EQ(observer_.questions.size(), 1U);
  EXPECT_EQ(LastResults().at(0).text.substr(0, 5), "Linux");

  observer_.answer = Approval::kNo;
  model_.Call({Exec("c1", "/bin/uname")});
  model_.Say("done");
  EXPECT_EQ(Run("go", PolicyMode::kConfirm).outcome, Outcome::kAnsweredWithDenials);
}

TEST_F(AgentTest, WithNobodyToAskTheRunStopsBeforeAnythingIsStarted) {
  observer_.answer = Approval::kNobody;
  model_.Call({Exec("c1", "echo allowed"), Exec("c2", "/bin/uname")});
  const RunResult result = Run("go", PolicyMode::kConfirm);
  EXPECT_EQ(result.outcome, Outcome::kRefusedPolicy);
  EXPECT_THAT(result.detail, testing::HasSubstr("nobody could be asked"));
  EXPECT_THAT(result.detail, testing::HasSubstr("\"cat\", \"/bin/uname\"]"));
  EXPECT_TRUE(observer_.started.empty());
  // The control: what needs no question runs.
  model_.Call({Exec("c1", "echo allowed")});
  model_.Say("done");
  EXPECT_EQ(Run("go", PolicyMode::kConfirm).outcome, Outcome::kAnswered);
}

TEST_F(AgentTest, AProgramRefusedBelowAnotherIsToldToTheModelAndListed) {
  const auto script = [&] {
    model_.Call({Exec("c1", "sh -c 'test -n x; env echo hello'"), Exec("c2", "echo fine")});
    model_.Say("done");
  };
  config_.allowed_commands = {"sh", "echo", "env"};
  script();
  EXPECT_EQ(Run().outcome, Outcome::kAnswered) << "the control";

  ASSERT_TRUE(
      WriteFileAtomic(work_->path() + "/build.sh", "echo built; uname; echo then; exit 3", {.mode = 0644}).ok());
  model_.Call({Exec("c1", "sh build.sh")});
  model_.Call({Exec("c2", "echo fine")});
  model_.Say("done");
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kAnsweredWithDenials);
  ASSERT_EQ(result.denials.size(), 1U);
  EXPECT_EQ(result.denials[0].what, sandbox::DeniedAct::kExec);
  EXPECT_THAT(result.denials[0].target, testing::EndsWith("/uname"));
  ASSERT_EQ(result.tools.size(), 2U);
  EXPECT_TRUE(result.tools[0].refused);
  EXPECT_EQ(result.tools[0].detail, "exit code 3");
  EXPECT_THAT(result.unrecovered, testing::StartsWith("sh never succeeded: refused: exec "));
  const auto& first = std::get<ToolResult>(model_.asked[model_.asked.size() - 2].back().parts.at(0));
  EXPECT_THAT(first.text, testing::HasSubstr("built\nthen"));
  EXPECT_THAT(first.text, testing::HasSubstr("\nrefused: exec "));

  // The same, and it works the second time: nothing is left undone.
  model_.Call({Exec("c1", "sh build.sh")});
  model_.Call({Exec("c2", "sh -c 'echo fine'")});
  model_.Say("done");
  const RunResult recovered = Run();
  EXPECT_EQ(recovered.outcome, Outcome::kAnsweredWithDenials);
  EXPECT_EQ(recovered.unrecovered, "");
}

TEST_F(AgentTest, AProgramThatWorkedIsNotRefusedForWhatItTriedOnTheWay) {
  ASSERT_TRUE(WriteFileAtomic(work_->path() + "/build.sh", "uname; echo built", {.mode = 0644}).ok());
  config_.allowed_commands = {"sh", "echo"};
  model_.Call({Exec("c1", "sh build.sh")});
  model_.Say("done");
  const RunResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kAnsweredWithDenials) << "listed all the same";
  EXPECT_EQ(result.unrecovered, "");
  EXPECT_FALSE(result.tools.at(0).refused);
  EXPECT_EQ(result.tools.at(0).detail, "");
}

TEST_F(AgentTest, YesApprovesQuestionsButNotRefusals) {
  options_.yes = true;
  config_.denied_paths.push_back("/var/lib/dpkg");
  model_.Call({Exec("c1", "/bin/uname"), {"c2", "read_file", R"({"path":"/var/lib/dpkg/status"})"}});
  model_.Say("done");
  const RunResult result = Run("go", PolicyMode::kConfirm);
  EXPECT_EQ(LastResults().at(0).text.substr(0, 5), "Linux");
  EXPECT_TRUE(LastResults().at(1).is_error);
  EXPECT_EQ(result.outcome, Outcome::kAnsweredWithDenials);
  EXPECT_TRUE(observer_.questions.empty());
}

}  // namespace
}  // namespace rune::agent
