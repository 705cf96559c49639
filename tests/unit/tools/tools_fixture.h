#pragma once
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "agent/tools/toolbox.h"

namespace rune::agent {

inline Policy ToolPolicy(PolicyConfig config = {}, PolicyMode mode = PolicyMode::kAllowlist) {
  if (config.allowed_commands.empty()) config.allowed_commands = {"ls", "echo"};
  Result<Policy> policy =
      Policy::Create(config, {.cwd = "/work/repo", .home = "/home/user", .tmp_dir = "/tmp/rune-test"}, mode);
  EXPECT_TRUE(policy.ok());
  return std::move(policy).value();
}

inline Prepared Prepare(const Policy& policy, const std::string& tool, const std::string& args) {
  const Toolbox tools = BuiltinToolbox();
  const Tool* found = tools.Find(tool);
  EXPECT_NE(found, nullptr) << tool;
  const Result<json::Document> document = json::Document::Parse(args);
  EXPECT_TRUE(document.ok()) << args;
  return found->prepare(document->root(), {.policy = policy, .wall_limit = std::chrono::seconds(60)});
}

inline ToolPlan PlanOf(const Policy& policy, const std::string& tool, const std::string& args) {
  Prepared prepared = Prepare(policy, tool, args);
  const auto* bad = std::get_if<BadArguments>(&prepared);
  EXPECT_EQ(bad, nullptr) << (bad == nullptr ? "" : bad->message);
  return bad == nullptr ? std::get<ToolPlan>(std::move(prepared)) : ToolPlan{};
}

inline std::string ComplaintOf(const std::string& tool, const std::string& args) {
  const Policy policy = ToolPolicy();
  const Prepared prepared = Prepare(policy, tool, args);
  const auto* bad = std::get_if<BadArguments>(&prepared);
  return bad == nullptr ? "" : bad->message;
}

inline sandbox::Stream MakeStream(std::string text) {
  sandbox::Stream stream;
  stream.total = text.size();
  stream.head = std::move(text);
  return stream;
}

inline sandbox::Completed Exited(int code, std::string out, std::string err = "") {
  sandbox::Completed done;
  done.report.exit_code = code;
  done.out = MakeStream(std::move(out));
  done.err = MakeStream(std::move(err));
  return done;
}

inline ToolOutput Render(const std::string& tool, const sandbox::Completed& done) {
  return BuiltinToolbox().Find(tool)->render(done);
}

}  // namespace rune::agent
