#include "agent/policy/why.h"

#include "tests/unit/policy/policy_fixture.h"

namespace rune::agent {
namespace {

using enum Decision::Answer;

TEST(WhyTest, NamesWhatIsDecidedAndTheLineThatDecides) {
  PolicyConfig config = Commands({"ls", "sort"});
  config.allowed_domains = {"*.good.test", "10.0.0.0/8"};
  config.origins["allowed_commands"] = {{"~/.rune/rune.toml:3", config.allowed_commands}};
  const Policy policy = MakePolicy(config);
  const struct {
    const char* subject;
    std::vector<Decision> decisions;  // each reason is how it begins
  } rows[] = {
      {"/usr/share/x",
       {{"read /usr/share/x", kAllowed, "'/usr' of allowed_paths_ro (its default)"},
        {"write /usr/share/x", kRefused,
         "BLOCKED by policy: path '/usr/share/x' is not in allowed_paths_rw; to allow it: add"}}},
      {"./notes.md",
       {{"read /work/repo/notes.md", kAllowed, "the working directory"}, {"write /work/repo/notes.md", kRefused, ""}}},
      {"~/.ssh/id",
       {{"read /home/user/.ssh/id", kRefused, "BLOCKED by policy: path '/home/user/.ssh/id' is always denied"},
        {"write /home/user/.ssh/id", kRefused, ""}}},
      {"api.good.test", {{"connect api.good.test:443", kAllowed, "'*.good.test' of allowed_domains (its default)"}}},
      {"http://10.1.2.3/x", {{"connect 10.1.2.3:80", kAllowed, "'10.0.0.0/8' of allowed_domains"}}},
      {"bad.test:8080",
       {{"connect bad.test:8080", kRefused, "BLOCKED: domain 'bad.test' is not in allowed_domains; to allow it: add"}}},
      {"ls -l | sort > out",
       {{"run ls", kAllowed, "'ls' of allowed_commands (~/.rune/rune.toml:3), the file "},
        {"run sort", kAllowed, "'sort' of allowed_commands"},
        {"write /work/repo/out", kRefused, ""}}},
      {"rm -rf /",
       {{"run rm", kRefused,
         "BLOCKED by policy: command 'rm' is not in allowed_commands; to allow it: add \"rm\" to"}}},
      {"eval x", {{"execute_cmd eval x", kRefused, "BLOCKED by policy: the command line cannot be checked"}}},
  };
  for (const auto& row : rows) {
    const auto decisions = Why(policy, row.subject);
    ASSERT_EQ(decisions.size(), row.decisions.size()) << row.subject;
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      EXPECT_EQ(decisions[i].act, row.decisions[i].act);
      EXPECT_EQ(decisions[i].answer, row.decisions[i].answer) << decisions[i].act;
      EXPECT_EQ(decisions[i].because.substr(0, row.decisions[i].because.size()), row.decisions[i].because);
    }
  }
  EXPECT_EQ(Why(MakePolicy(config, PolicyMode::kConfirm), "rm x").at(0).answer, kAsked);
}

}  // namespace
}  // namespace rune::agent
