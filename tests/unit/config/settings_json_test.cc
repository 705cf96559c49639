#include "agent/config/settings_json.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

using List = std::vector<std::string>;

const OtherKeys kOthers{.here = {"prompt", "record"}, .elsewhere = {"params.prompt", "params.fail_if"}};

Result<Config> Read(std::string_view text, Column column = Column::kSource) {
  auto document = json::Document::Parse(text, column == Column::kSource ? "source" : "params");
  EXPECT_TRUE(document.ok()) << text;
  RUNE_ASSIGN_OR_RETURN(const Values values, ReadSettings(document->root(), column, kOthers));
  Config config;
  for (const auto& [setting, value] : values) setting->member.put(config, value);
  return config;
}
Config Taken(std::string_view text) {
  auto config = Read(text);
  EXPECT_TRUE(config.ok()) << text << (config.ok() ? "" : config.error().message);
  return config.ok() ? *config : Config();
}
std::string ErrorOf(std::string_view text, Column column = Column::kSource) {
  const auto config = Read(text, column);
  if (config.ok()) return "(no error)";
  EXPECT_EQ(config.error().kind, ErrorKind::kInvalidInput);
  return config.error().message;
}
Result<void> Apply(std::string_view text, PolicyConfig& policy) {
  RUNE_ASSIGN_OR_RETURN(const Config config, Read(R"({"policy":)" + std::string(text) + "}"));
  policy = config.policy;
  return Ok();
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

TEST(PolicyJson, ErrorsNameThePath) {
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
    const auto result = Apply(c.text, policy);
    ASSERT_FALSE(result.ok()) << c.text;
    EXPECT_EQ(result.error().message, c.message);
    EXPECT_EQ(result.error().kind, ErrorKind::kInvalidInput);
  }
}

TEST(SettingsJson, ReadEveryNameOfEverySettingThatAPipelineHas) {
  const auto written = [](const Setting& setting) -> std::string {
    switch (setting.type) {
      case ValueType::kString:
      case ValueType::kProse:
      case ValueType::kPath:
      case ValueType::kKey:
        return R"("some text")";
      case ValueType::kWord:
        // The first or the last, whichever is not the default.
        for (const std::size_t begin : {setting.choices.rfind('|') + 1, std::size_t{0}}) {
          const std::string word(setting.choices.substr(begin, setting.choices.find('|', begin) - begin));
          if (CurrentValue(setting, Config()) != Value(word)) return '"' + word + '"';
        }
        return "";
      case ValueType::kBool:
        return "true";
      case ValueType::kInteger:
      case ValueType::kSeconds:
      case ValueType::kNumber:
      case ValueType::kFractionalSeconds:
        return "1";
      case ValueType::kStrings:
      case ValueType::kPaths:
      case ValueType::kDomains:
        return R"(["/some/entry"])";
      case ValueType::kEnforcement:
        return R"("require")";
      case ValueType::kTable:
        return R"({"images":false})";
      case ValueType::kProviders:
        return R"([{"provider":"ollama"}])";
    }
    return "";
  };
  std::size_t names = 0;
  for (const Setting& setting : Settings()) {
    for (const Column column : {Column::kSource, Column::kParams}) {
      for (const std::string_view name : NamesIn(setting, column)) {
        std::string text = written(setting);
        for (std::size_t end = name.size(); end != std::string_view::npos;) {
          const std::size_t dot = name.rfind('.', end - 1);
          const std::size_t begin = dot == std::string_view::npos ? 0 : dot + 1;
          text = "{\"" + std::string(name.substr(begin, end - begin)) + "\":" + text + "}";
          end = dot;
        }
        const auto config = Read(text, column);
        ASSERT_TRUE(config.ok()) << text << config.error().message;
        EXPECT_NE(CurrentValue(setting, *config), CurrentValue(setting, Config())) << text;
        ++names;
      }
    }
  }
  EXPECT_GT(names, 60u);
}

TEST(SettingsJson, TakeScalarsAsPeopleWriteThemButInPolicy) {
  const Config config = Taken(R"({"model":4,"context_window":"9000","temperature":"0.5","prices":"m 1 2 3 4",
      "thinking":false,"wire":"","limits":{"seconds":"1h30m","tool_seconds":"20","steps":"5"},
      "deadlines":{"connect":"1m"},"sandbox":{"allowed_commands":"ls","resources":{"max_pids":"7"}}})");
  EXPECT_EQ(config.model, "4");
  EXPECT_EQ(config.context_window, 9000u);
  EXPECT_EQ(config.temperature, 0.5);
  EXPECT_EQ(config.prices, List{"m 1 2 3 4"});
  EXPECT_EQ(config.thinking, "off") << "what YAML makes of a bare off";
  EXPECT_EQ(config.wire, "");
  EXPECT_EQ(config.budgets.wall, std::chrono::minutes(90));
  EXPECT_EQ(config.budgets.tool_wall, std::chrono::seconds(20));
  EXPECT_EQ(config.budgets.steps, 5u);
  EXPECT_EQ(config.deadlines.connect, std::chrono::minutes(1));
  EXPECT_EQ(config.policy.allowed_commands, List{"ls"});
  EXPECT_EQ(config.policy.max_pids, 7u);
  EXPECT_NE(ErrorOf(R"({"policy":{"max_pids":"7"}})"), "(no error)");
}

TEST(SettingsJson, NeverQuoteAValueOutsideOfPolicy) {
  for (const char* text : {R"({"wire":"canary"})", R"({"temperature":"canary"})", R"({"limits":{"steps":"canary"}})",
                           R"({"fallback":["canary"]})", R"({"deadlines":{"idle":"canary"}})", R"({"caps":"canary"})",
                           R"({"sandbox":{"mode":"canary"}})", R"({"sandbox":{"require":["canary"]}})"}) {
    const std::string message = ErrorOf(text);
    EXPECT_NE(message, "(no error)") << text;
    EXPECT_EQ(message.find("canary"), std::string::npos) << message;
  }
}

TEST(SettingsJson, JoinTheWordAndTheLayersOfTheEnforcement) {
  const auto layers = [](std::string_view text) {
    const PolicyConfig policy = Taken(text).policy;
    return policy.enforcement == sandbox::Enforcement::kRequire ? policy.required_layers.size() : 99;
  };
  EXPECT_EQ(layers(R"({"sandbox":{"mode":"strict"}})"), 0u);
  EXPECT_EQ(layers(R"({"sandbox":{"mode":"strict","require":["seccomp","names"]}})"), 2u);
  EXPECT_EQ(layers(R"({"policy":{"enforcement":["seccomp"]},"sandbox":{"mode":"require"}})"), 1u);
  EXPECT_EQ(layers(R"({"sandbox":{"mode":"best-effort","require":[]}})"), 99u);
  EXPECT_EQ(ErrorOf(R"({"sandbox":{"mode":"best-effort","require":["seccomp"]}})"),
            "source.sandbox.require and source.sandbox.mode disagree: they say different things, keep one of them");
}

TEST(SettingsJson, LetTheLongSpellingOfALimitGiveWay) {
  EXPECT_EQ(Taken(R"({"limits":{"tool_seconds":5},"sandbox":{"resources":{"timeout_secs":9}}})").budgets.tool_wall,
            std::chrono::seconds(5));
}

TEST(SettingsJson, NameThePlaceOfARightKeyInTheWrongPlace) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {R"({"allowed_commands":[]})",
       "source: unknown key 'allowed_commands' (did you mean 'policy.allowed_commands'?)"},
      {R"({"policy":{"max_steps":5}})", "source.policy: unknown key 'max_steps' (did you mean 'source.limits.steps'?)"},
      {R"({"max_steps":5})", "source: unknown key 'max_steps' (did you mean 'limits.steps'?)"},
      {R"({"timeout_secs":5})", "source: unknown key 'timeout_secs' (did you mean 'limits.seconds'?)"},
      {R"({"deadlines":{"connect_secs":5}})",
       "source.deadlines: unknown key 'connect_secs' (did you mean 'source.deadlines.connect'?)"},
      {R"({"policy":{"model":"m"}})", "source.policy: unknown key 'model' (did you mean 'source.model'?)"},
      {R"({"policy":{"prompt":"p"}})", "source.policy: unknown key 'prompt' (did you mean 'source.prompt'?)"},
      {R"({"sandbox":{"allowed_domains":[]}})",
       "source.sandbox: unknown key 'allowed_domains' (did you mean 'source.policy.allowed_domains'?)"},
      {R"({"fail_if":{}})", "source: unknown key 'fail_if' (did you mean 'params.fail_if'?)"},
      {R"({"modle":"m"})", "source: unknown key 'modle' (did you mean 'model'?)"},
      {R"({"whatever_else":1})", "source: unknown key 'whatever_else'"},
  };
  for (const auto& c : cases) EXPECT_EQ(ErrorOf(c.text), c.message);
  EXPECT_EQ(ErrorOf(R"({"model":"m"})", Column::kParams), "params: unknown key 'model' (did you mean 'source.model'?)");
  EXPECT_EQ(ErrorOf(R"({"denied_paths":[]})", Column::kParams),
            "params: unknown key 'denied_paths' (did you mean 'policy.denied_paths'?)");
}

}  // namespace
}  // namespace rune::agent
