#include <algorithm>

#include "tests/unit/tools/tools_fixture.h"

namespace rune::agent {
namespace {

using sandbox::Command;

std::size_t RequestBytes(const std::vector<std::string>& names) {
  std::size_t bytes = 0;
  const Toolbox tools = BuiltinToolbox();
  for (const Tool& tool : tools.tools()) {
    if (std::find(names.begin(), names.end(), tool.spec.name) == names.end()) continue;
    json::Writer writer;
    writer.BeginObject().Member("type", "function").Key("function").BeginObject();
    writer.Member("name", tool.spec.name).Member("description", tool.spec.description);
    writer.Key("parameters").Raw(tool.spec.schema).EndObject().EndObject();
    bytes += writer.Take().size() + 1;
  }
  return bytes;
}

TEST(ToolsTest, TheNineToolsAreSortedByName) {
  const Toolbox tools = BuiltinToolbox();
  EXPECT_EQ(tools.Names(),
            "edit_file, execute_cmd, fetch_url, find_files, inspect_process, list_dir, read_file, search_files, "
            "write_file");
  EXPECT_EQ(tools.Find("rm"), nullptr);
}

TEST(ToolsTest, TheirDescriptionsAreShort) {
  std::vector<std::string> all;
  for (const ToolSpec& spec : BuiltinToolbox().Specs()) all.push_back(spec.name);
  const std::size_t nine = RequestBytes(all);
  const std::size_t six =
      RequestBytes({"read_file", "write_file", "list_dir", "execute_cmd", "fetch_url", "inspect_process"});
  std::printf("nine tools %zu bytes, six %zu\n", nine, six);
  EXPECT_LE(nine, 3500u);
  EXPECT_LE(six, 2200u);
}

TEST(ToolsTest, FileToolsAreOperationsAndNeedNoProgram) {
  const Policy policy = ToolPolicy();
  const ToolPlan read = PlanOf(policy, "read_file", R"({"path":"a b/-c5","offset":3,"limit":9})");
  EXPECT_EQ(read.command.kind, Command::Kind::kBuiltin);
  EXPECT_EQ(read.command.argv, (std::vector<std::string>{"read", "/work/repo/a b/-c5", "3", "9"}));
  EXPECT_TRUE(read.confinement.files.execute.empty());
  EXPECT_TRUE(read.verdict.allowed());
  const ToolPlan write = PlanOf(policy, "write_file", R"j({"path":"/tmp/$(touch x)","content":"a'\"\n"})j");
  EXPECT_EQ(write.command.argv, (std::vector<std::string>{"write", "/tmp/$(touch x)"}));
  EXPECT_EQ(write.command.stdin_data, "a'\"\n");
  const ToolPlan edit = PlanOf(policy, "edit_file", R"({"path":"/tmp/f","old":"é","new":"e"})");
  EXPECT_EQ(edit.command.stdin_data, "2\n\u00e9e");
  EXPECT_EQ(PlanOf(policy, "list_dir", R"({"path":"."})").command.argv,
            (std::vector<std::string>{"list", "/work/repo"}));
  EXPECT_EQ(PlanOf(policy, "find_files", R"({"pattern":"**/*.c"})").command.argv,
            (std::vector<std::string>{"find", "/work/repo", "**/*.c", "500"}));
  EXPECT_EQ(PlanOf(policy, "search_files", R"({"pattern":"a|b","path":"src","glob":"*.c"})").command.argv,
            (std::vector<std::string>{"search", "/work/repo/src", "a|b", "*.c", "200"}));
  EXPECT_EQ(PlanOf(policy, "inspect_process", R"({"pid":1})").command.argv, (std::vector<std::string>{"inspect", "1"}));
}

TEST(ToolsTest, FileToolsFollowThePathLists) {
  const Policy policy = ToolPolicy();
  const auto message = [&](const char* tool, const char* args) {
    const Verdict verdict = PlanOf(policy, tool, args).verdict;
    return verdict.refusal ? verdict.refusal->message : "allowed";
  };
  EXPECT_EQ(message("read_file", R"({"path":"/etc/shadow"})"),
            "BLOCKED by policy: path '/etc/shadow' is in denied_paths");
  EXPECT_EQ(message("read_file", R"({"path":"/tmp/../home/user/.ssh/id"})"),
            "BLOCKED by policy: path '/home/user/.ssh/id' is always denied: it holds keys or settings");
  EXPECT_EQ(message("read_file", R"({"path":"~/.rune/rune.toml"})"),
            "BLOCKED by policy: path '/home/user/.rune/rune.toml' is always denied: it holds keys or settings");
  EXPECT_EQ(message("list_dir", R"({"path":"/root"})"), "BLOCKED by policy: path '/root' is in denied_paths");
  EXPECT_EQ(message("search_files", R"({"pattern":"x","path":"/srv"})"),
            "BLOCKED by policy: path '/srv' is not in allowed_paths_ro");
  EXPECT_EQ(message("write_file", R"({"path":"x","content":""})"),
            "BLOCKED by policy: path '/work/repo/x' is not in allowed_paths_rw");
  EXPECT_EQ(message("write_file", R"({"path":"/tmp/x","content":""})"), "allowed");
}

TEST(ToolsTest, ACommandLineRunsWithoutAShellWhereItCan) {
  const Policy policy = ToolPolicy();
  const ToolPlan direct = PlanOf(policy, "execute_cmd", R"({"cmd":"ls -l 'a b'"})");
  EXPECT_EQ(direct.command.kind, Command::Kind::kExec);
  EXPECT_EQ(direct.command.argv, (std::vector<std::string>{"ls", "-l", "a b"}));
  EXPECT_EQ(direct.command.cwd, "/work/repo");
  const ToolPlan piped = PlanOf(policy, "execute_cmd", R"({"cmd":"ls | echo"})");
  EXPECT_EQ(piped.command.argv, (std::vector<std::string>{"/bin/sh", "-c", "ls | echo"}));
  const ToolPlan blocked = PlanOf(policy, "execute_cmd", R"({"cmd":"rm -rf /"})");
  EXPECT_EQ(blocked.verdict.refusal->message, "BLOCKED by policy: command 'rm' is not in allowed_commands");
  EXPECT_EQ(blocked.summary, "execute_cmd rm -rf /");
}

TEST(ToolsTest, TheTimeLimitIsBoundedByTheRun) {
  const Policy policy = ToolPolicy();
  EXPECT_EQ(PlanOf(policy, "execute_cmd", R"({"cmd":"ls"})").command.limits.wall, std::chrono::seconds(60));
  EXPECT_EQ(PlanOf(policy, "execute_cmd", R"({"cmd":"ls","timeout_secs":5})").command.limits.wall,
            std::chrono::seconds(5));
  EXPECT_EQ(PlanOf(policy, "execute_cmd", R"({"cmd":"ls","timeout_secs":86400})").command.limits.wall,
            std::chrono::seconds(60));
}

TEST(ToolsTest, TheDirectoryOfACommandFollowsThePathLists) {
  const Policy policy = ToolPolicy();
  EXPECT_EQ(PlanOf(policy, "execute_cmd", R"({"cmd":"ls","cwd":"/root"})").verdict.refusal->message,
            "BLOCKED by policy: path '/root' is in denied_paths");
  EXPECT_EQ(PlanOf(policy, "execute_cmd", R"({"cmd":"ls","cwd":"/srv"})").verdict.refusal->message,
            "BLOCKED by policy: path '/srv' is not in allowed_paths_ro");
  const ToolPlan plan = PlanOf(policy, "execute_cmd", R"({"cmd":"ls > f","cwd":"/tmp/d"})");
  EXPECT_TRUE(plan.verdict.allowed()) << "relative targets are taken in the call's directory";
  EXPECT_EQ(plan.command.cwd, "/tmp/d");
  EXPECT_EQ(PlanOf(policy, "execute_cmd", R"({"cmd":"ls > f"})").verdict.refusal->message,
            "BLOCKED by policy: path '/work/repo/f' is not in allowed_paths_rw");
}

TEST(ToolsTest, CommandsNeitherAskNorColour) {
  const std::vector<std::string> env = PlanOf(ToolPolicy(), "execute_cmd", R"({"cmd":"ls"})").command.env;
  for (const char* line : {"LANG=C.UTF-8", "TERM=dumb", "NO_COLOR=1", "PAGER=cat", "GIT_PAGER=cat",
                           "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false", "SSH_ASKPASS_REQUIRE=never",
                           "GH_PROMPT_DISABLED=1", "DEBIAN_FRONTEND=noninteractive", "CI=true"}) {
    EXPECT_NE(std::find(env.begin(), env.end(), line), env.end()) << line;
  }
}

TEST(ToolsTest, AnApprovalWidensTheSecondConfinementOnly) {
  PolicyConfig config;
  const Policy policy = ToolPolicy(config, PolicyMode::kConfirm);
  const ToolPlan plan = PlanOf(policy, "execute_cmd", R"({"cmd":"sort x"})");
  ASSERT_TRUE(plan.verdict.question.has_value());
  EXPECT_NE(plan.confinement, plan.approved_confinement);
  const ToolPlan read = PlanOf(policy, "read_file", R"({"path":"/srv/x"})");
  ASSERT_TRUE(read.verdict.question.has_value());
  EXPECT_EQ(read.approved_confinement.files.read.back(), "/srv/x");
}

TEST(ToolsTest, AFetchPassesTheCheckedUrlAndNothingElse) {
  PolicyConfig config;
  config.allowed_domains = {"*"};
  const Policy policy = ToolPolicy(config);
  const ToolPlan plan = PlanOf(policy, "fetch_url", R"({"url":"HTTP://Wttr.IN.#x"})");
  EXPECT_TRUE(plan.verdict.allowed());
  const std::vector<std::string>& argv = plan.command.argv;
  EXPECT_EQ(argv[0], "curl");
  EXPECT_EQ(argv[1], "-q") << "only as the first option does it keep ~/.curlrc out";
  EXPECT_EQ(argv[argv.size() - 2], "--");
  EXPECT_EQ(argv.back(), "http://wttr.in/");
  EXPECT_EQ(std::find(argv.begin(), argv.end(), "-L"), argv.end());
  const Policy closed = ToolPolicy();
  EXPECT_EQ(PlanOf(closed, "fetch_url", R"({"url":"https://example.com"})").verdict.refusal->message,
            "BLOCKED: domain 'example.com' is not in allowed_domains");
}

}  // namespace
}  // namespace rune::agent
