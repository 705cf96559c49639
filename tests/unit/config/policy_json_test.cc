#include "agent/config/policy_json.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

Result<void> Apply(std::string_view text, PolicyConfig& policy) {
  auto document = json::Document::Parse(text, "source.policy");
  EXPECT_TRUE(document.ok()) << text;
  return ApplyPolicyJson(document->root(), policy);
}

TEST(PolicyJson, TakesEveryKey) {
  PolicyConfig policy;
  ASSERT_TRUE(Apply(R"({"mode":"unrestricted","allowed_commands":["curl"],"allowed_domains":["wttr.in"],
    "denied_syscalls":["ptrace"],"allowed_paths_rw":["/w"],"allowed_paths_ro":["/r"],"denied_paths":["/d"],
    "max_memory_mb":256.0,"max_pids":8,"enforcement":["landlock"]})",
                    policy)
                  .ok());
  EXPECT_EQ(policy.mode, PolicyMode::kUnrestricted);
  EXPECT_EQ(policy.allowed_commands, std::vector<std::string>{"curl"});
  EXPECT_EQ(policy.allowed_domains, std::vector<std::string>{"wttr.in"});
  EXPECT_EQ(policy.denied_syscalls, std::vector<std::string>{"ptrace"});
  EXPECT_EQ(policy.allowed_paths_rw, std::vector<std::string>{"/w"});
  EXPECT_EQ(policy.allowed_paths_ro, std::vector<std::string>{"/r"});
  EXPECT_EQ(policy.denied_paths, std::vector<std::string>{"/d"});
  EXPECT_EQ(policy.max_memory_mb, 256u);
  EXPECT_EQ(policy.max_pids, 8u);
  EXPECT_EQ(policy.enforcement, sandbox::Enforcement::kRequire);
  EXPECT_EQ(policy.required_layers, std::vector{sandbox::Layer::kLandlock});
  ASSERT_TRUE(Apply(R"({"enforcement":"best-effort"})", policy).ok());
  EXPECT_EQ(policy.enforcement, sandbox::Enforcement::kBestEffort);
}

TEST(PolicyJson, KeepsWhatIsMissingOrNullAndTakesAnEmptyListAsEmpty) {
  const PolicyConfig defaults;
  PolicyConfig policy;
  ASSERT_TRUE(Apply(R"({"allowed_paths_ro":null,"max_pids":null,"allowed_paths_rw":[]})", policy).ok());
  EXPECT_EQ(policy.allowed_paths_ro, defaults.allowed_paths_ro);
  EXPECT_EQ(policy.max_pids, defaults.max_pids);
  EXPECT_EQ(policy.denied_paths, defaults.denied_paths);
  EXPECT_TRUE(policy.allowed_paths_rw.empty());
  ASSERT_TRUE(Apply("null", policy).ok());
}

TEST(PolicyJson, ErrorsNameThePathAndChangeNothing) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {R"({"allowed_comands":[]})", "source.policy: unknown key 'allowed_comands' (did you mean 'allowed_commands'?)"},
      {R"({"allowed_commands":["ls",2]})", "source.policy.allowed_commands[1]: expected string, found number"},
      {R"({"allowed_commands":"ls"})",
       "source.policy.allowed_commands: expected a list of texts of one line, found 'ls'"},
      {R"({"max_pids":-1})", "source.policy.max_pids: expected an integer from 0 to 4194304, found -1"},
      {R"({"max_pids":"8"})", "source.policy.max_pids: expected an integer from 0 to 4194304, found '8'"},
      {R"({"max_pids":1.5})", "source.policy.max_pids: expected an integer from 0 to 4194304, found 1.5"},
      {R"({"mode":"yolo"})", "source.policy.mode: expected one of allowlist, confirm, unrestricted, found 'yolo'"},
      {R"({"enforcement":{}})",
       "source.policy.enforcement: expected best-effort, require or a list of layers (limits, network, seccomp, "
       "landlock, names), found object"},
      {"[]", "source.policy: expected object, found array"},
  };
  for (const auto& c : cases) {
    PolicyConfig policy;
    policy.max_pids = 7;
    const auto result = Apply(c.text, policy);
    ASSERT_FALSE(result.ok()) << c.text;
    EXPECT_EQ(result.error().message, c.message);
    EXPECT_EQ(result.error().kind, ErrorKind::kInvalidInput);
    EXPECT_EQ(policy.max_pids, 7u);
  }
  PolicyConfig policy;
  EXPECT_FALSE(Apply(R"({"allowed_commands":["ls"],"max_pids":-1})", policy).ok());
  EXPECT_TRUE(policy.allowed_commands.empty());
}

}  // namespace
}  // namespace rune::agent
