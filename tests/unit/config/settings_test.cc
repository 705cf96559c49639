#include "agent/config/settings.h"

#include <gtest/gtest.h>

#include <set>

#include "agent/config/value.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

TEST(Keys, AreUniqueInEverySpelling) {
  std::set<std::string_view> keys;
  std::set<std::string> variables;
  std::set<std::string_view> flags;
  std::set<std::string_view> in_source;
  std::set<std::string_view> in_params;
  for (const Setting& setting : Settings()) {
    EXPECT_TRUE(keys.insert(setting.key).second) << setting.key;
    EXPECT_TRUE(variables.insert(VariableOf(setting)).second) << setting.key;
    EXPECT_TRUE(setting.flag.empty() || flags.insert(setting.flag).second) << setting.flag;
    for (const auto name : NamesIn(setting, Column::kSource)) EXPECT_TRUE(in_source.insert(name).second) << name;
    for (const auto name : NamesIn(setting, Column::kParams)) EXPECT_TRUE(in_params.insert(name).second) << name;
  }
}

TEST(Keys, HaveAVariableThatFollowsFromTheKey) {
  EXPECT_EQ(VariableOf(*FindSetting("model")), "RUNE_MODEL");
  EXPECT_EQ(VariableOf(*FindSetting("policy.allowed_paths_rw")), "RUNE_POLICY_ALLOWED_PATHS_RW");
}

/// A value of the setting's type other than the default, as a variable would hold it.
std::string Another(const Setting& setting, const std::string& current) {
  switch (setting.type) {
    case ValueType::kString:
    case ValueType::kProse:
    case ValueType::kPath:
    case ValueType::kKey:
      return current + "x";
    case ValueType::kWord: {
      const auto words = Split(setting.choices, '|');
      return std::string(words[0] == current ? words[1] : words[0]);
    }
    case ValueType::kBool:
      return current == "true" ? "false" : "true";
    case ValueType::kInteger:
    case ValueType::kSeconds:
    case ValueType::kNumber:
    case ValueType::kFractionalSeconds:
      return setting.most < 1e6 && current != TextOf(setting.most) ? TextOf(setting.most) : "1";
    case ValueType::kStrings:
    case ValueType::kPaths:
    case ValueType::kDomains:
      return current.empty() ? "x" : current + ",x";
    case ValueType::kEnforcement:
      return "landlock,names";
    case ValueType::kTable:
      return R"({"images":false})";
    case ValueType::kProviders:
      return R"([{"provider":"ollama"}])";
  }
  std::abort();
}

TEST(Keys, EachHaveAMemberOfTheirOwnThatReadsBackAsWhatWasPutThere) {
  for (const Setting& setting : Settings()) {
    const auto current = CurrentValue(setting, Config());
    const auto value = ParseValue(setting, Another(setting, current ? TextOf(*current) : ""));
    ASSERT_TRUE(value.ok()) << setting.key << ": " << value.error().message;
    Config config;
    setting.member.put(config, *value);
    EXPECT_EQ(CurrentValue(setting, config), *value) << setting.key;
    EXPECT_NE(CurrentValue(setting, config), current) << setting.key;
    for (const Setting& other : Settings()) {
      if (&other == &setting) continue;
      EXPECT_EQ(CurrentValue(other, config), CurrentValue(other, Config())) << setting.key << " and " << other.key;
    }
  }
}

TEST(Keys, HaveDefaultsThatAreThoseOfTheConfig) {
  Config from_table;
  for (const Setting& setting : Settings()) {
    const auto value = CurrentValue(setting, Config());
    if (value) setting.member.put(from_table, *value);
    const bool may_be_unset = setting.key == "policy.mode" || setting.key == "temperature" || setting.key == "seed" ||
                              setting.key == "thinking" || setting.key == "embeddings.provider" ||
                              setting.key == "wire" || setting.key == "caps" ||
                              setting.key == "deadlines.first_byte_secs";
    EXPECT_EQ(value.has_value(), !may_be_unset) << setting.key;
  }
  const Config plain;
  EXPECT_EQ(from_table.skills_dir, plain.skills_dir);
  EXPECT_EQ(from_table.log_level, plain.log_level);
  EXPECT_EQ(from_table.trace, plain.trace);
  EXPECT_EQ(from_table.yes, plain.yes);
  EXPECT_EQ(from_table.json_output, plain.json_output);
  EXPECT_EQ(from_table.on_denial, plain.on_denial);
  EXPECT_EQ(from_table.context_window, plain.context_window);
  EXPECT_EQ(from_table.compact_threshold, plain.compact_threshold);
  EXPECT_EQ(from_table.compact_keep_last, plain.compact_keep_last);
  EXPECT_EQ(from_table.budgets.steps, plain.budgets.steps);
  EXPECT_EQ(from_table.budgets.tokens, plain.budgets.tokens);
  EXPECT_EQ(from_table.budgets.output_tokens, plain.budgets.output_tokens);
  EXPECT_EQ(from_table.budgets.cost_usd, plain.budgets.cost_usd);
  EXPECT_EQ(from_table.budgets.wall, plain.budgets.wall);
  EXPECT_EQ(from_table.budgets.tool_wall, plain.budgets.tool_wall);
  EXPECT_EQ(from_table.retry.attempts, plain.retry.attempts);
  EXPECT_EQ(from_table.retry.base, plain.retry.base);
  EXPECT_EQ(from_table.deadlines.connect, plain.deadlines.connect);
  EXPECT_EQ(from_table.deadlines.first_byte, plain.deadlines.first_byte);
  EXPECT_EQ(from_table.deadlines.progress, plain.deadlines.progress);
  EXPECT_EQ(from_table.deadlines.total, plain.deadlines.total);
  EXPECT_EQ(from_table.deadlines.idle, plain.deadlines.idle);
  EXPECT_EQ(from_table.max_images, plain.max_images);
  EXPECT_EQ(from_table.prices, plain.prices);
  EXPECT_EQ(from_table.embeddings.keep_turns, plain.embeddings.keep_turns);
  EXPECT_EQ(from_table.policy.mode, plain.policy.mode);
  EXPECT_EQ(from_table.policy.allowed_commands, plain.policy.allowed_commands);
  EXPECT_EQ(from_table.policy.allowed_domains, plain.policy.allowed_domains);
  EXPECT_EQ(from_table.policy.denied_syscalls, plain.policy.denied_syscalls);
  EXPECT_EQ(from_table.policy.allowed_paths_rw, plain.policy.allowed_paths_rw);
  EXPECT_EQ(from_table.policy.allowed_paths_ro, plain.policy.allowed_paths_ro);
  EXPECT_EQ(from_table.policy.denied_paths, plain.policy.denied_paths);
  EXPECT_EQ(from_table.policy.max_memory_mb, plain.policy.max_memory_mb);
  EXPECT_EQ(from_table.policy.max_pids, plain.policy.max_pids);
  EXPECT_EQ(from_table.policy.enforcement, plain.policy.enforcement);
  EXPECT_EQ(from_table.policy.required_layers, plain.policy.required_layers);
}

TEST(Keys, NameTheNearestForAMisspeltOne) {
  EXPECT_EQ(UnknownKey("modle"), "unknown key 'modle' (did you mean 'model'?)");
  EXPECT_EQ(UnknownKey("policy.allowed_command"),
            "unknown key 'policy.allowed_command' (did you mean 'policy.allowed_commands'?)");
  EXPECT_EQ(UnknownKey("allowed_domains"), "unknown key 'allowed_domains' (did you mean 'policy.allowed_domains'?)");
  EXPECT_EQ(UnknownKey("entirely_different_thing"), "unknown key 'entirely_different_thing'");
  EXPECT_TRUE(IsSection("policy"));
  EXPECT_TRUE(IsSection("deadlines"));
  EXPECT_FALSE(IsSection("model"));
  EXPECT_FALSE(IsSection("polic"));
}

TEST(Keys, NameThePlaceOfARightOneInTheWrongPlace) {
  const std::string top = ", at the top of the file, before the first table?)";
  EXPECT_EQ(UnknownKey("policy.max_steps"), "unknown key 'policy.max_steps' (did you mean 'max_steps'" + top);
  EXPECT_EQ(UnknownKey("retry.model"), "unknown key 'retry.model' (did you mean 'model'" + top);
  EXPECT_EQ(UnknownKey("allowed_commands"), "unknown key 'allowed_commands' (did you mean 'policy.allowed_commands'?)");
  EXPECT_EQ(UnknownKey("retry.max_pids"), "unknown key 'retry.max_pids' (did you mean 'policy.max_pids'?)");
  // The words of a pipeline.
  EXPECT_EQ(UnknownKey("limits.steps"), "unknown key 'limits.steps' (did you mean 'max_steps'" + top);
  EXPECT_EQ(UnknownKey("deadlines.connect"),
            "unknown key 'deadlines.connect' (did you mean 'deadlines.connect_secs'?)");
}

TEST(Values, AreParsedFromTextByType) {
  const struct {
    const char* key;
    const char* text;
    std::optional<Value> value;
  } cases[] = {
      {"model", " gpt-4o\n", Value(std::string("gpt-4o"))},
      {"model", "a\x1b[31m", std::nullopt},
      {"system_prompt", " two\nlines ", Value(std::string(" two\nlines "))},
      {"trace", "1", Value(true)},
      {"trace", "TRUE", Value(true)},
      {"trace", " yes ", Value(true)},
      {"trace", "on", Value(true)},
      {"trace", "0", Value(false)},
      {"trace", "false", Value(false)},
      {"trace", "No", Value(false)},
      {"trace", "off", Value(false)},
      {"trace", "maybe", std::nullopt},
      {"trace", "2", std::nullopt},
      {"max_steps", "0", Value(std::int64_t{0})},
      {"max_steps", "4294967295", Value(std::int64_t{4294967295})},
      {"max_steps", "4294967296", std::nullopt},
      {"max_steps", "-1", std::nullopt},
      {"max_steps", "1.5", std::nullopt},
      {"max_steps", "1e3", std::nullopt},
      {"max_steps", "20 steps", std::nullopt},
      {"max_steps", "99999999999999999999", std::nullopt},
      {"compact_keep_last", "0", std::nullopt},
      {"temperature", "0.7", Value(0.7)},
      {"temperature", "1", Value(1.0)},
      {"temperature", "nan", std::nullopt},
      {"temperature", "inf", std::nullopt},
      {"temperature", "2.1", std::nullopt},
      {"seed", "-9223372036854775808", std::nullopt},
      {"seed", "-5", Value(std::int64_t{-5})},
      {"log_level", "debug", Value(std::string("debug"))},
      {"log_level", "verbose", std::nullopt},
      {"policy.mode", "allowlist", Value(std::string("allowlist"))},
      {"policy.mode", "Allowlist", std::nullopt},
      {"policy.allowed_commands", "ls, cat ,,df", Value(std::vector<std::string>{"ls", "cat", "df"})},
      {"policy.allowed_commands", " ", Value(std::vector<std::string>{})},
      {"policy.enforcement", "require", Value(std::vector<std::string>{"require"})},
      {"policy.enforcement", "landlock,seccomp", Value(std::vector<std::string>{"landlock", "seccomp"})},
      {"policy.enforcement", "landlock,require", std::nullopt},
      {"policy.enforcement", "firewall", std::nullopt},
      {"deadlines.idle_secs", "0.05", Value(0.05)},
      {"deadlines.idle_secs", "0", std::nullopt},
  };
  for (const auto& c : cases) {
    const auto value = ParseValue(*FindSetting(c.key), c.text);
    ASSERT_EQ(value.ok(), c.value.has_value()) << c.key << " = " << c.text;
    if (c.value) {
      EXPECT_EQ(*value, *c.value) << c.key << " = " << c.text;
    } else {
      EXPECT_EQ(value.error().message.rfind("expected ", 0), 0u) << value.error().message;
    }
  }
}

TEST(Values, AreAssignedWithTheirUnits) {
  Config config;
  const auto set = [&](const char* key, const char* text) {
    FindSetting(key)->member.put(config, ParseValue(*FindSetting(key), text).value());
  };
  set("deadlines.idle_secs", "0.25");
  set("timeout_secs", "90");
  set("retry.base_ms", "7");
  set("policy.enforcement", "landlock,names");
  set("policy.mode", "unrestricted");
  set("on_denial", "warn");
  set("seed", "7");
  EXPECT_EQ(config.deadlines.idle, std::chrono::milliseconds(250));
  EXPECT_EQ(config.budgets.wall, std::chrono::seconds(90));
  EXPECT_EQ(config.retry.base, std::chrono::milliseconds(7));
  EXPECT_EQ(config.policy.enforcement, sandbox::Enforcement::kRequire);
  EXPECT_EQ(config.policy.required_layers, (std::vector{sandbox::Layer::kLandlock, sandbox::Layer::kNames}));
  EXPECT_EQ(config.policy.mode, PolicyMode::kUnrestricted);
  EXPECT_EQ(config.on_denial, OnDenial::kWarn);
  EXPECT_EQ(config.seed, 7);
  set("policy.enforcement", "require");
  EXPECT_TRUE(config.policy.required_layers.empty());
  set("policy.enforcement", "best-effort");
  EXPECT_EQ(config.policy.enforcement, sandbox::Enforcement::kBestEffort);
}

TEST(Values, OfAKeyAreNeverShown) {
  EXPECT_EQ(TextOf(ParseValue(*FindSetting("api_key"), "very-secret").value()), "***");
  EXPECT_EQ(TextOf(ParseValue(*FindSetting("fallback"), R"([{"api_key":"very-secret"}])").value()), "***");
  const auto value = ParseValue(*FindSetting("api_key"), "very-secret\x01");
  ASSERT_FALSE(value.ok());
  EXPECT_EQ(value.error().message.find("very-secret"), std::string::npos);
}

}  // namespace
}  // namespace rune::agent
