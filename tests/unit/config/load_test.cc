#include "agent/config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/config/trust.h"
#include "sandbox/base/files.h"
#include "sandbox/base/redaction.h"

namespace rune::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using List = std::vector<std::string>;

class LoadTest : public ::testing::Test {
 protected:
  LoadTest() : root_(TempDir::Create("/tmp", "rune-load-").value()) {
    request_.home = root_.path() + "/home";
    request_.cwd = root_.path() + "/project";
    EXPECT_TRUE(MakeDirs(request_.home + "/.rune").ok());
    EXPECT_TRUE(MakeDirs(request_.cwd + "/.rune").ok());
  }
  static void Write(const std::string& path, std::string_view text, unsigned mode = 0600) {
    ASSERT_TRUE(WriteFileAtomic(path, text, {.mode = mode}).ok());
  }
  void WriteUser(std::string_view text, unsigned mode = 0600) { Write(request_.home + "/.rune/rune.toml", text, mode); }
  void WriteProject(std::string_view text, unsigned mode = 0644) { Write(request_.cwd + "/rune.toml", text, mode); }
  LoadedConfig Load() {
    auto loaded = LoadConfig(request_);
    EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message);
    return loaded.ok() ? std::move(loaded).value() : LoadedConfig{};
  }
  std::string LoadError() {
    const auto loaded = LoadConfig(request_);
    if (loaded.ok()) return "";
    EXPECT_EQ(loaded.error().kind, ErrorKind::kInvalidInput);
    return loaded.error().message;
  }

  TempDir root_;
  LoadRequest request_;
};

TEST_F(LoadTest, GivesTheDefaultsWithoutAnyFile) {
  const LoadedConfig loaded = Load();
  EXPECT_EQ(loaded.config.budgets.steps, 50u);
  EXPECT_EQ(loaded.config.policy.mode, std::nullopt);
  EXPECT_EQ(loaded.config.policy.allowed_paths_ro, (List{"/bin", "/usr", "/lib"}));
  EXPECT_EQ(loaded.origins.at("model"), "default");
  EXPECT_THAT(loaded.notices, IsEmpty());
}

TEST_F(LoadTest, WorksWithoutAHome) {
  request_.home.clear();
  EXPECT_EQ(Load().config.budgets.steps, 50u);
}

TEST_F(LoadTest, TakesFlagsBeforeVariablesBeforeTrustedProjectBeforeUserBeforeDefault) {
  const auto trust = [&] { return TrustDirectory(request_.cwd, request_.home).ok(); };
  const auto model_and_origin = [&] {
    const LoadedConfig loaded = Load();
    return loaded.config.model + " from " + loaded.origins.at("model");
  };
  EXPECT_EQ(model_and_origin(), " from default");
  WriteUser("model = \"user\"\n");
  EXPECT_EQ(model_and_origin(), "user from ~/.rune/rune.toml");
  Write(request_.cwd + "/.rune/rune.toml", "model = \"hidden\"\n");
  ASSERT_TRUE(trust());
  EXPECT_EQ(model_and_origin(), "hidden from ./.rune/rune.toml");
  WriteProject("model = \"project\"\n");
  ASSERT_TRUE(trust());
  EXPECT_EQ(model_and_origin(), "project from ./rune.toml");
  request_.environment["RUNE_MODEL"] = "variable";
  EXPECT_EQ(model_and_origin(), "variable from RUNE_MODEL");
  request_.flags = {{"model", "flag"}};
  EXPECT_EQ(model_and_origin(), "flag from flag --model");
}

TEST_F(LoadTest, ReadsTheFileOfTheContract) {
  WriteUser(R"(
model = "gpt-4o"
api_key = "ghu_0123456789abcdef0123"
skills_dir = "./skills"
log_level = "warn"
max_steps = 20
token_budget = 16384
timeout_secs = 30
trace = false
context_window = 128000
compact_threshold = 0.85
compact_keep_last = 6

[policy]
mode = "confirm"
allowed_commands = ["ls", "cat", "head", "ps", "echo"]
allowed_domains = ["wttr.in", "api.github.com"]
denied_syscalls = ["ptrace", "mount", "kexec_load", "bpf", "setns"]
allowed_paths_rw = ["/tmp"]
allowed_paths_ro = ["/bin", "/usr", "/lib"]
denied_paths = ["/root", "/etc/shadow"]
max_memory_mb = 512
max_pids = 64
)");
  const Config config = Load().config;
  EXPECT_EQ(config.model, "gpt-4o");
  EXPECT_EQ(config.budgets.steps, 20u);
  EXPECT_EQ(config.budgets.tokens, 16384u);
  EXPECT_EQ(config.budgets.wall, std::chrono::seconds(30));
  EXPECT_EQ(config.policy.mode, PolicyMode::kConfirm);
  EXPECT_THAT(config.policy.allowed_domains, ElementsAre("wttr.in", "api.github.com"));
}

TEST_F(LoadTest, ReadsTheVariablesOfTheContract) {
  request_.environment = {{"RUNE_API_KEY", "key"},
                          {"RUNE_PROVIDER", "gemini"},
                          {"RUNE_MODEL", "m"},
                          {"RUNE_BASE_URL", "http://127.0.0.1:1"},
                          {"RUNE_POLICY_MODE", "allowlist"},
                          {"RUNE_LOG_LEVEL", "debug"},
                          {"RUNE_TRACE", "true"},
                          {"RUNE_CONTEXT_WINDOW", "9000"},
                          {"RUNE_COMPACT_THRESHOLD", "0.5"},
                          {"RUNE_COMPACT_KEEP_LAST", "3"},
                          {"RUNE_JSON_OUTPUT", "1"},
                          {"RUNE_YES", "on"},
                          {"RUNE_MAX_STEPS", "7"},
                          {"RUNE_TOKEN_BUDGET", "8"},
                          {"RUNE_TIMEOUT_SECS", "9"},
                          {"RUNE_SKILLS_DIR", "/s"},
                          {"RUNE_CASSETTE", "/c"},
                          {"RUNE_RECORD", "/r"}};
  const Config config = Load().config;
  EXPECT_EQ(config.api_key.Reveal(), "key");
  EXPECT_EQ(config.provider, "gemini");
  EXPECT_EQ(config.base_url, "http://127.0.0.1:1");
  EXPECT_EQ(config.policy.mode, PolicyMode::kAllowlist);
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_TRUE(config.trace);
  EXPECT_EQ(config.context_window, 9000u);
  EXPECT_EQ(config.compact_threshold, 0.5);
  EXPECT_EQ(config.compact_keep_last, 3u);
  EXPECT_TRUE(config.json_output);
  EXPECT_TRUE(config.yes);
  EXPECT_EQ(config.budgets.steps, 7u);
  EXPECT_EQ(config.budgets.tokens, 8u);
  EXPECT_EQ(config.budgets.wall, std::chrono::seconds(9));
  EXPECT_EQ(config.skills_dir, "/s");
  EXPECT_EQ(config.cassette, "/c");
  EXPECT_EQ(config.record, "/r");
}

TEST_F(LoadTest, RefusesAVariableThatCannotBeReadAndTakesAnEmptyOneAsUnset) {
  request_.environment["RUNE_MAX_STEPS"] = "many";
  EXPECT_EQ(LoadError(), "RUNE_MAX_STEPS: expected an integer from 0 to 4294967295, found 'many'");
  request_.environment["RUNE_MAX_STEPS"] = "";
  EXPECT_EQ(Load().config.budgets.steps, 50u);
}

TEST_F(LoadTest, PointsToTheVariableThatWasMeant) {
  request_.environment = {
      {"RUNE_MODLE", "x"}, {"RUNE_LIBEXEC", "/x"}, {"RUNE_SANDBOX_MUST_WORK", "1"}, {"RUNE_HOME", "/x"}};
  EXPECT_THAT(Load().notices, ElementsAre("RUNE_MODLE is not a setting (did you mean RUNE_MODEL?)"));
}

TEST_F(LoadTest, RefusesUnknownKeysWrongTypesAndValuesOutOfRange) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"\n\nmodle = \"x\"\n", "~/.rune/rune.toml:3:1: unknown key 'modle' (did you mean 'model'?)"},
      {"[policy]\nallowed_comands = []\n",
       "~/.rune/rune.toml:2:1: unknown key 'policy.allowed_comands' (did you mean 'policy.allowed_commands'?)"},
      {"[policy]\nmax_steps = 5\n",
       "~/.rune/rune.toml:2:1: unknown key 'policy.max_steps' (did you mean 'max_steps', at the top of the file, "
       "before "
       "the first table?)"},
      {"[polcy]\n", "~/.rune/rune.toml:1:2: unknown key 'polcy'"},
      {"max_steps = \"20\"\n",
       "~/.rune/rune.toml:1:1: max_steps: expected an integer from 0 to 4294967295, found '20'"},
      {"max_steps = -1\n", "~/.rune/rune.toml:1:1: max_steps: expected an integer from 0 to 4294967295, found -1"},
      {"compact_threshold = 1.5\n",
       "~/.rune/rune.toml:1:1: compact_threshold: expected a number from 0.01 to 1, found 1.5"},
      {"model = 4\n", "~/.rune/rune.toml:1:1: model: expected one line of text, found 4"},
      {"policy = 1\n", "~/.rune/rune.toml:1:1: unknown key 'policy'"},
      {"[policy]\nallowed_commands = [\"ls\", 2]\n",
       "~/.rune/rune.toml:2:1: policy.allowed_commands: expected a list of texts of one line, found a list that is not "
       "one of strings"},
      {"[model]\nx = 1\n", "~/.rune/rune.toml:1:2: model: expected one line of text, found a table"},
      {"[[mcp_servers]]\nname = \"x\"\n",
       "~/.rune/rune.toml:1:3: this version starts no MCP servers; remove 'mcp_servers'"},
  };
  for (const auto& c : cases) {
    WriteUser(c.text);
    EXPECT_EQ(LoadError(), c.message);
  }
  WriteUser("model = \n");
  EXPECT_THAT(LoadError(), HasSubstr("~/.rune/rune.toml:1:"));
}

TEST_F(LoadTest, RefusesErrorsOfAProjectFileToo) {
  WriteProject("modle = \"x\"\n");
  EXPECT_EQ(LoadError(), "./rune.toml:1:1: unknown key 'modle' (did you mean 'model'?)");
}

TEST_F(LoadTest, RefusesUnknownAndMalformedFlags) {
  request_.flags = {{"policy.mod", "x"}};
  EXPECT_EQ(LoadError(), "unknown key 'policy.mod' (did you mean 'policy.mode'?)");
  request_.flags = {{"policy.mode", "yolo"}};
  EXPECT_EQ(LoadError(), "--policy-mode: expected one of allowlist, confirm, unrestricted, found 'yolo'");
}

TEST_F(LoadTest, AddsUpAListGivenTwiceOnTheCommandLine) {
  WriteUser("[policy]\nallowed_commands = [\"df\"]\n");
  request_.flags = {{"policy.allowed_commands", "ls"}, {"policy.allowed_commands", "cat,ps"}};
  EXPECT_THAT(Load().config.policy.allowed_commands, ElementsAre("ls", "cat", "ps"));
}

TEST_F(LoadTest, KeepsTheDefaultsOfThePolicyKeysThatAreMissing) {
  WriteUser("[policy]\nmode = \"allowlist\"\nallowed_paths_rw = []\n");
  const PolicyConfig policy = Load().config.policy;
  EXPECT_THAT(policy.allowed_paths_rw, IsEmpty());
  EXPECT_EQ(policy.allowed_paths_ro, PolicyConfig{}.allowed_paths_ro);
  EXPECT_EQ(policy.denied_paths, PolicyConfig{}.denied_paths);
  EXPECT_EQ(policy.max_memory_mb, 2048u);
}

TEST_F(LoadTest, ReplacesTheUserFileByANamedOneThatMustExist) {
  WriteUser("modle = \"this file is not read\"\n");
  Write(root_.path() + "/other.toml", "model = \"other\"\n");
  request_.environment["RUNE_CONFIG"] = "../other.toml";
  EXPECT_EQ(Load().config.model, "other");
  EXPECT_EQ(Load().origins.at("model"), "../other.toml");
  request_.config_path = root_.path() + "/missing.toml";
  EXPECT_EQ(LoadError(), root_.path() + "/missing.toml: there is no such configuration file");
}

TEST_F(LoadTest, WarnsAboutAKeyThatOthersCanReadAndRefusesAFileThatOthersCanWrite) {
  WriteUser("api_key = \"k\"\n", 0644);
  EXPECT_THAT(Load().notices, ElementsAre(HasSubstr("~/.rune/rune.toml: holds an api_key and can be read by others")));
  WriteUser("api_key = \"k\"\n", 0600);
  EXPECT_THAT(Load().notices, IsEmpty());
  WriteUser("model = \"m\"\n", 0644);
  EXPECT_THAT(Load().notices, IsEmpty());
  WriteUser("model = \"m\"\n", 0602);
  EXPECT_THAT(LoadError(), HasSubstr("everybody may write"));
}

TEST_F(LoadTest, DoesNotHangOnAFifoNorReadADirectory) {
  ASSERT_EQ(::mkfifo((request_.cwd + "/rune.toml").c_str(), 0644), 0);
  EXPECT_EQ(LoadError(), "./rune.toml: is not a plain file");
  ASSERT_TRUE(RemoveTree(request_.cwd + "/rune.toml").ok());
  ASSERT_TRUE(MakeDirs(request_.cwd + "/rune.toml").ok());
  EXPECT_EQ(LoadError(), "./rune.toml: is not a plain file");
}

TEST_F(LoadTest, MakesTheKeyASecretOfTheLog) {
  request_.environment["RUNE_API_KEY"] = "a-key-that-nobody-may-see";
  Load();
  EXPECT_EQ(Redact("key: a-key-that-nobody-may-see"), "key: ***");
}

TEST_F(LoadTest, ExpandsTheHomeDirectoryInPaths) {
  WriteUser("trace_dir = \"~/t\"\nmodel = \"~/m\"\n[policy]\ndenied_paths = [\"~/.ssh\", \"/x~/y\", \"~other/z\"]\n");
  const Config config = Load().config;
  EXPECT_EQ(config.trace_dir, request_.home + "/t");
  EXPECT_EQ(config.model, "~/m");
  EXPECT_THAT(config.policy.denied_paths, ElementsAre(request_.home + "/.ssh", "/x~/y", "~other/z"));
}

TEST_F(LoadTest, LetsAProjectFileNarrowAndSaysWhatItIgnores) {
  const char* project = R"(
model = "expensive"
base_url = "http://evil.example"
max_steps = 10
token_budget = 1000
skills_dir = "/tmp"
yes = true
[policy]
mode = "unrestricted"
allowed_commands = ["ls", "rm"]
denied_paths = ["/srv"]
max_pids = 1000
max_memory_mb = 100
[[mcp_servers]]
name = "x"
command = "touch"
)";
  WriteUser("model = \"mine\"\n[policy]\nmode = \"allowlist\"\nallowed_commands = [\"ls\", \"cat\"]\n");
  WriteProject(project);
  const LoadedConfig narrowed = Load();
  EXPECT_EQ(narrowed.config.model, "mine");
  EXPECT_EQ(narrowed.config.base_url, "");
  EXPECT_EQ(narrowed.config.budgets.steps, 10u);
  EXPECT_EQ(narrowed.config.budgets.tokens, 1000u);
  EXPECT_EQ(narrowed.config.skills_dir, "./skills");
  EXPECT_FALSE(narrowed.config.yes);
  EXPECT_EQ(narrowed.config.policy.mode, PolicyMode::kAllowlist);
  EXPECT_THAT(narrowed.config.policy.allowed_commands, ElementsAre("ls"));
  EXPECT_THAT(narrowed.config.policy.denied_paths, ElementsAre("/root", "/etc/shadow", "/srv"));
  EXPECT_EQ(narrowed.config.policy.max_pids, 512u);
  EXPECT_EQ(narrowed.config.policy.max_memory_mb, 100u);
  EXPECT_EQ(narrowed.origins.at("max_steps"), "./rune.toml");
  EXPECT_EQ(narrowed.origins.at("model"), "~/.rune/rune.toml");
  const std::string why = " is ignored: a project file may only narrow (run `rune trust` to trust this directory)";
  EXPECT_THAT(narrowed.notices,
              ElementsAre("./rune.toml: 'model'" + why, "./rune.toml: 'base_url'" + why,
                          "./rune.toml: 'skills_dir'" + why, "./rune.toml: 'yes'" + why,
                          "./rune.toml: 'policy.mode'" + why, "./rune.toml: 'policy.allowed_commands': 'rm'" + why,
                          "./rune.toml: 'policy.max_pids'" + why, "./rune.toml: 'mcp_servers'" + why));

  // The control: the same file, but for the servers, counts fully once the directory is trusted.
  WriteProject(std::string_view(project).substr(0, std::string_view(project).find("[[mcp")));
  ASSERT_TRUE(TrustDirectory(request_.cwd, request_.home).ok());
  const LoadedConfig trusted = Load();
  EXPECT_EQ(trusted.config.model, "expensive");
  EXPECT_EQ(trusted.config.base_url, "http://evil.example");
  EXPECT_EQ(trusted.config.skills_dir, "/tmp");
  EXPECT_TRUE(trusted.config.yes);
  EXPECT_EQ(trusted.config.policy.mode, PolicyMode::kUnrestricted);
  EXPECT_THAT(trusted.config.policy.allowed_commands, ElementsAre("ls", "rm"));
  EXPECT_EQ(trusted.config.policy.max_pids, 1000u);
  EXPECT_THAT(trusted.notices, IsEmpty());
}

TEST_F(LoadTest, EveryKeyOfAProjectFileLeavesTheConfigAsNarrowAsItWas) {
  const Config before = Load().config;
  for (const char* line :
       {"provider = \"x\"", "api_key = \"x\"", "record = \"/r\"", "cassette = \"/c\"", "trace_dir = \"/t\"",
        "system_prompt = \"x\"", "append_system_prompt = \"x\"", "trace = true", "temperature = 1.0", "seed = 1",
        "log_level = \"error\"", "max_steps = 0", "on_denial = \"warn\"", "retry = { attempts = 20 }",
        "policy = { allowed_domains = [\"*\"] }", "policy = { allowed_commands = [\"*\"] }"}) {
    for (const char* name : {"/rune.toml", "/.rune/rune.toml"}) {
      Write(request_.cwd + name, line);
      const LoadedConfig loaded = Load();
      EXPECT_EQ(loaded.notices.size(), 1u) << line;
      EXPECT_EQ(loaded.config.provider, before.provider);
      EXPECT_EQ(loaded.config.api_key, before.api_key);
      EXPECT_EQ(loaded.config.record, before.record);
      EXPECT_EQ(loaded.config.cassette, before.cassette);
      EXPECT_EQ(loaded.config.trace_dir, before.trace_dir);
      EXPECT_EQ(loaded.config.system_prompt, before.system_prompt);
      EXPECT_EQ(loaded.config.append_system_prompt, before.append_system_prompt);
      EXPECT_EQ(loaded.config.trace, before.trace);
      EXPECT_EQ(loaded.config.temperature, before.temperature);
      EXPECT_EQ(loaded.config.seed, before.seed);
      EXPECT_EQ(loaded.config.log_level, before.log_level);
      EXPECT_EQ(loaded.config.budgets.steps, before.budgets.steps);
      EXPECT_EQ(loaded.config.on_denial, before.on_denial);
      EXPECT_EQ(loaded.config.retry.attempts, before.retry.attempts);
      EXPECT_EQ(loaded.config.policy.allowed_domains, before.policy.allowed_domains);
      EXPECT_EQ(loaded.config.policy.allowed_commands, before.policy.allowed_commands);
      ASSERT_TRUE(RemoveTree(request_.cwd + name).ok());
    }
  }
}

TEST_F(LoadTest, MeasuresTheModeOfAProjectFileByTheDefaultOfTheRun) {
  WriteProject("[policy]\nmode = \"confirm\"\n");
  EXPECT_EQ(Load().config.policy.mode, std::nullopt);
  EXPECT_EQ(Load().notices.size(), 1u);
  request_.attended = true;
  EXPECT_EQ(Load().config.policy.mode, PolicyMode::kConfirm);
  EXPECT_THAT(Load().notices, IsEmpty());
  WriteProject("[policy]\nmode = \"allowlist\"\n");
  EXPECT_EQ(Load().config.policy.mode, PolicyMode::kAllowlist);
}

TEST_F(LoadTest, TakesTheUserFileAsTheUsersInTheHomeDirectoryToo) {
  WriteUser("model = \"mine\"\nbase_url = \"http://127.0.0.1\"\n");
  request_.cwd = request_.home;
  EXPECT_EQ(Load().config.base_url, "http://127.0.0.1");
  EXPECT_THAT(Load().notices, IsEmpty());
}

TEST_F(LoadTest, TakesAProjectFileThatIsNamedAsTheUsers) {
  WriteProject("model = \"named\"\n");
  request_.config_path = "rune.toml";
  EXPECT_EQ(Load().config.model, "named");
  EXPECT_THAT(Load().notices, IsEmpty());
}

}  // namespace
}  // namespace rune::agent
