#pragma once
/// An agent with a scripted model, and with the real sandbox under it.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/loop/agent.h"
#include "agent/loop/parts.h"
#include "agent/run/run.h"
#include "sandbox/base/files.h"
#include "tests/support/sandbox_helper.h"
#include "tests/unit/loop/scripted_model.h"

namespace rune::agent {

class Recorder : public RunObserver {
 public:
  void OnToolStart(const ToolRecord& record) override { started.push_back(record.summary); }
  void OnToolEnd(const ToolRecord& record, const std::string&) override { ended.push_back(record.name); }
  void OnNotice(const std::string& notice) override { notices.push_back(notice); }
  void OnEnd(const RunResult& result) override { ends.push_back(result.outcome); }
  Approval Approve(const ToolRecord&, const Refusal& refusal) override {
    questions.push_back(refusal.target);
    return answer;
  }
  std::vector<std::string> started, ended, notices, questions;
  std::vector<Outcome> ends;
  Approval answer = Approval::kNo;
};

class AgentTest : public testing::Test {
 protected:
  void SetUp() override {
    auto work = TempDir::Create("/var/tmp", "agent-test-");
    ASSERT_TRUE(work.ok());
    work_ = std::make_unique<TempDir>(std::move(work).value());
    ::chmod(work_->path().c_str(), 0755);
    auto sandbox = sandbox::Sandbox::Create(loop_, {.helper = SandboxHelper()});
    ASSERT_TRUE(sandbox.ok());
    sandbox_ = std::move(sandbox).value();
    config_.allowed_commands = {"echo", "sleep", "cat"};
    options_.system_prompt = "system";
  }
  RunResult Run(const std::string& prompt = "go", PolicyMode mode = PolicyMode::kAllowlist) {
    const Places places{.cwd = work_->path(), .tmp_dir = sandbox_->tmp_dir()};
    auto policy = Policy::Create(config_, places, mode);
    EXPECT_TRUE(policy.ok());
    policy_ = std::make_unique<Policy>(std::move(policy).value());
    agent_ = std::make_unique<Agent>(AgentParts{loop_, model_, *sandbox_, *policy_, observer_, tools_}, options_);
    return agent_->Run(prompt);
  }
  static ToolCall Exec(const std::string& id, const std::string& cmd) {
    return {id, "execute_cmd", R"({"cmd":")" + cmd + R"("})"};
  }
  /// The tool results of the last message the model was shown.
  std::vector<ToolResult> LastResults() const {
    std::vector<ToolResult> results;
    for (const Part& part : model_.asked.back().back().parts) {
      if (const auto* result = std::get_if<ToolResult>(&part)) results.push_back(*result);
    }
    return results;
  }

  EventLoop loop_;
  std::unique_ptr<TempDir> work_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  const Toolbox tools_ = BuiltinToolbox();
  PolicyConfig config_;
  AgentOptions options_;
  ScriptedModel model_;
  Recorder observer_;
  std::unique_ptr<Policy> policy_;
  std::unique_ptr<Agent> agent_;
};

}  // namespace rune::agent
