#include "resource/config_from_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "agent/config/settings.h"
#include "fake_asker.h"
#include "sandbox/base/redaction.h"

namespace rune::resource {
namespace {

/// The policy of a put whose params say `params`, a JSON object, beside a source whose policy is `source`.
Result<agent::PolicyConfig> Narrowed(const std::string& source, const std::string& params) {
  const Request request = ParsedAs(Verb::kOut, R"({"source":{"api_key":"k","policy":)" + source +
                                                   R"(},"params":{"prompt":"p","policy":)" + params + "}}");
  RUNE_ASSIGN_OR_RETURN(const Question question, PutQuestion(request, "p", "/in"));
  return question.config.policy;
}

const char* const kWide =
    R"({"allowed_commands":["git","curl"],"allowed_paths_rw":["/tmp"],"allowed_domains":["*.example.com","example.org"]})";

std::string ErrorOf(const std::string& json) {
  const auto narrowed = Narrowed(kWide, json);
  return narrowed.ok() ? "(no error)" : narrowed.error().message;
}

TEST(Narrow, TakesAway) {
  const auto narrowed = Narrowed(kWide, R"({"allowed_commands":["git"],"allowed_domains":[],"max_memory_mb":100,
      "denied_paths":["/srv"],"allowed_paths_rw":["/tmp/x"],"mode":"confirm"})");
  ASSERT_TRUE(narrowed.ok()) << narrowed.error().message;
  EXPECT_EQ(narrowed->allowed_commands, std::vector<std::string>{"git"});
  EXPECT_TRUE(narrowed->allowed_domains.empty());
  EXPECT_EQ(narrowed->denied_paths, (std::vector<std::string>{"/root", "/etc/shadow", "/srv"}))
      << "what the source denies stays denied";
}

TEST(Narrow, NeverGives) {
  EXPECT_EQ(ErrorOf(R"({"allowed_commands":["rm"]})"),
            "params.policy.allowed_commands: 'rm' is not allowed by the source; params may only narrow the policy");
  for (const char* json :
       {R"({"allowed_commands":["*"]})", R"({"allowed_domains":["evil.example"]})", R"({"allowed_paths_rw":["/"]})",
        R"({"allowed_paths_ro":["/etc"]})", R"({"allowed_paths_rw":["/tmp/../etc"]})", R"({"max_memory_mb":4096})",
        R"({"max_memory_mb":0})", R"({"max_pids":513})", R"({"mode":"unrestricted"})", R"({"max_upload_mb":17})",
        R"({"allowed_domains":["example.com"]})", R"({"allowed_domains":["example.org:22"]})",
        R"({"allowed_domains":["*.com"]})"}) {
    EXPECT_NE(ErrorOf(json).find("may only narrow"), std::string::npos) << json;
  }
}

TEST(Narrow, KnowsWhatAWildcardAndANameWithoutAPortCover) {
  const auto narrowed = Narrowed(kWide, R"({"allowed_domains":["api.example.com","example.org:443"]})");
  ASSERT_TRUE(narrowed.ok()) << narrowed.error().message;
  EXPECT_EQ(narrowed->allowed_domains, (std::vector<std::string>{"api.example.com", "example.org:443"}));
}

TEST(Narrow, TakesTheStricterMode) {
  const auto mode = [](const std::string& source, const std::string& params) {
    return Narrowed(R"({"mode":")" + source + "\"}", R"({"mode":")" + params + "\"}");
  };
  EXPECT_EQ(mode("unrestricted", "allowlist")->mode, agent::PolicyMode::kAllowlist);
  EXPECT_EQ(mode("unrestricted", "confirm")->mode, agent::PolicyMode::kAllowlist) << "nobody is there to confirm";
  EXPECT_EQ(mode("confirm", "allowlist")->mode, agent::PolicyMode::kAllowlist);
  EXPECT_FALSE(mode("allowlist", "unrestricted").ok());
  EXPECT_FALSE(mode("confirm", "unrestricted").ok());
}

TEST(Narrow, KeepsWhatTheSourceRequires) {
  const auto after = [](const std::string& params) {
    const auto narrowed = Narrowed(R"({"enforcement":["landlock"]})", R"({"enforcement":)" + params + "}");
    EXPECT_TRUE(narrowed.ok()) << narrowed.error().message;
    EXPECT_EQ(narrowed->enforcement, sandbox::Enforcement::kRequire);
    return narrowed->required_layers;
  };
  using sandbox::Layer;
  EXPECT_EQ(after(R"("best-effort")"), std::vector{Layer::kLandlock});
  EXPECT_EQ(after(R"(["seccomp"])"), (std::vector{Layer::kLandlock, Layer::kSeccomp}));
  EXPECT_TRUE(after(R"("require")").empty()) << "all of them";
}

TEST(Narrow, KeepsEverythingOfTheSourceThatTheParamsDoNotName) {
  const std::string source = R"({"mode":"confirm","allowed_commands":["git"],"allowed_domains":["example.org"],
      "denied_syscalls":["ptrace","io_uring_setup"],"allowed_paths_rw":["/w"],"allowed_paths_ro":["/r"],
      "denied_paths":["/d"],"max_memory_mb":100,"max_pids":9,"max_upload_mb":3,"enforcement":["landlock"]})";
  const auto whole = Narrowed(source, "null");
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->max_upload_mb, 3u);
  // Each key once alone: the others stay as the source has them.
  const std::map<std::string, std::string> keys{{"mode", R"("allowlist")"},
                                                {"allowed_commands", "[]"},
                                                {"allowed_domains", "[]"},
                                                {"denied_syscalls", R"(["mount"])"},
                                                {"allowed_paths_rw", "[]"},
                                                {"allowed_paths_ro", "[]"},
                                                {"denied_paths", R"(["/e"])"},
                                                {"max_memory_mb", "50"},
                                                {"max_pids", "5"},
                                                {"max_upload_mb", "1"},
                                                {"enforcement", R"("require")"}};
  agent::Config before;
  before.policy = *whole;
  for (const auto& [key, value] : keys) {
    const auto narrowed = Narrowed(source, "{\"" + key + "\":" + value + "}");
    ASSERT_TRUE(narrowed.ok()) << narrowed.error().message;
    agent::Config after;
    after.policy = *narrowed;
    for (const agent::Setting& setting : agent::Settings()) {
      const bool named = setting.key == "policy." + key;
      EXPECT_NE(CurrentValue(setting, after) == CurrentValue(setting, before), named) << key << " " << setting.key;
    }
    EXPECT_EQ(narrowed->denied_syscalls.size(), key == "denied_syscalls" ? 3u : 2u);
  }
}

/// The policy of a put whose source denies personality and lets 10 MB leave.
Result<Question> PutUnder(const std::string& params_policy) {
  const Request request = ParsedAs(Verb::kOut, R"({"source":{"api_key":"k",
      "policy":{"denied_syscalls":["personality"],"max_upload_mb":10}},
      "params":{"prompt":"p","policy":)" + params_policy +
                                                   "}}");
  return PutQuestion(request, "p", "/in");
}

TEST(PutQuestion, KeepsTheDeniedSystemCallsOfTheSourceUnderParamsPolicy) {
  using Names = std::vector<std::string>;
  for (const auto& [policy, all] : {std::pair<const char*, Names>{"{}", {"personality"}},
                                    {R"({"max_pids":5})", {"personality"}},
                                    {R"({"denied_syscalls":[]})", {"personality"}},
                                    {R"({"denied_syscalls":["bpf"]})", {"bpf", "personality"}}}) {
    const auto question = PutUnder(policy);
    ASSERT_TRUE(question.ok()) << question.error().message;
    Names denied = question->config.policy.denied_syscalls;
    std::sort(denied.begin(), denied.end());
    EXPECT_EQ(denied, all) << policy;
  }
}

TEST(PutQuestion, LowersTheUploadLimitOfTheSourceAndNeverRaisesIt) {
  for (const auto& [policy, limit] : {std::pair<const char*, std::uint64_t>{"{}", 10},
                                      {R"({"max_pids":5})", 10},
                                      {R"({"max_upload_mb":10})", 10},
                                      {R"({"max_upload_mb":3})", 3}}) {
    const auto question = PutUnder(policy);
    ASSERT_TRUE(question.ok()) << question.error().message;
    EXPECT_EQ(question->config.policy.max_upload_mb, limit) << policy;
  }
  for (const char* policy : {R"({"max_upload_mb":11})", R"({"max_upload_mb":0})"}) {
    const auto question = PutUnder(policy);
    ASSERT_FALSE(question.ok()) << policy << ": 0 is no limit at all";
    EXPECT_NE(question.error().message.find("max_upload_mb"), std::string::npos) << question.error().message;
  }
}

TEST(PutQuestion, PrefersTheParamsAndFallsBackToTheSource) {
  const Request request =
      ParsedAs(Verb::kOut, R"({"source":{"api_key":"k","system_prompt":"s","append_system_prompt":"a",
      "pre_commands":["date"],"limits":{"steps":9,"tokens":100}},
      "params":{"prompt":"p","system_prompt":"t","limits":{"steps":3},"pre_commands":["id"]}})");
  const auto question = PutQuestion(request, "p", "/in");
  ASSERT_TRUE(question.ok());
  EXPECT_EQ(question->config.system_prompt, "t");
  EXPECT_EQ(question->config.append_system_prompt, "a");
  EXPECT_EQ(question->config.budgets.steps, 3u);
  EXPECT_EQ(question->config.budgets.tokens, 100u);
  EXPECT_EQ(question->pre_commands.lines, std::vector<std::string>{"id"});
}

TEST(SourceQuestion, TakesWhatTheCommandLineTakes) {
  const Request request = ParsedAs(Verb::kCheck, R"({"source":{"api_key":"k","prompt":"p","thinking":"high",
      "max_images":"3","prices":["m/* 1 0 0 2"],"limits":{"cost_usd":0.25},
      "embeddings":{"provider":"ollama","model":"e","base_url":"http://h","api_key":"s","keep_turns":2}}})");
  const auto question = SourceQuestion(request.source);
  ASSERT_TRUE(question.ok());
  const agent::Config& config = question->config;
  EXPECT_EQ(config.thinking, "high");
  EXPECT_EQ(config.max_images, 3U);
  EXPECT_EQ(config.prices, std::vector<std::string>{"m/* 1 0 0 2"});
  EXPECT_EQ(config.budgets.cost_usd, 0.25);
  EXPECT_EQ(config.embeddings.provider, "ollama");
  EXPECT_EQ(config.embeddings.keep_turns, 2U);
  EXPECT_EQ(ParsedAs(Verb::kCheck, R"({"source":{"thinking":false}})").source.config.thinking, "off")
      << "what YAML makes of a bare off";
}

TEST(SourceQuestion, TakesProvidersAsTheCommandLineTakesThem) {
  const Request request = ParsedAs(Verb::kCheck, R"({"source":{"api_key":"k","prompt":"p","wire":"openai-responses",
      "caps":{"images":false},"context_window":"9000",
      "fallback":[{"provider":"anthropic","model":"m","api_key":"canary-fallback-key"}]}})");
  const auto question = SourceQuestion(request.source);
  ASSERT_TRUE(question.ok());
  const agent::Config& config = question->config;
  EXPECT_EQ(config.wire, "openai-responses");
  EXPECT_EQ(config.caps.root().Dump(), R"({"images":false})");
  EXPECT_EQ(config.context_window, 9000u);
  ASSERT_EQ(config.fallback.size(), 1u);
  EXPECT_EQ(config.fallback[0].provider, "anthropic");
  EXPECT_EQ(Redact("x canary-fallback-key y"), "x *** y");
}

TEST(SourceQuestion, TakesDeadlinesRetriesAndCompactionAsTheCommandLineDoes) {
  const Request request = ParsedAs(Verb::kCheck, R"({"source":{"api_key":"k","prompt":"p",
      "deadlines":{"connect":3,"first_byte":"1m","idle":"90s","progress":"2m","total":"1h"},
      "retry":{"attempts":"2","base_ms":0},"compact_threshold":0.5,"compact_keep_last":3}})");
  const auto question = SourceQuestion(request.source);
  ASSERT_TRUE(question.ok());
  const agent::Config& config = question->config;
  EXPECT_EQ(config.deadlines.connect, std::chrono::seconds(3));
  EXPECT_EQ(config.deadlines.first_byte, std::chrono::seconds(60));
  EXPECT_EQ(config.deadlines.idle, std::chrono::seconds(90));
  EXPECT_EQ(config.deadlines.progress, std::chrono::seconds(120));
  EXPECT_EQ(config.deadlines.total, std::chrono::seconds(3600));
  EXPECT_EQ(config.retry.attempts, 2);
  EXPECT_EQ(config.retry.base, std::chrono::milliseconds(0));
  EXPECT_EQ(config.compact_threshold, 0.5);
  EXPECT_EQ(config.compact_keep_last, 3U);
  const Source plain = ParsedAs(Verb::kCheck, R"({"source":{"deadlines":null,"retry":{}}})").source;
  EXPECT_EQ(plain.config.deadlines.first_byte, std::nullopt);
  EXPECT_EQ(plain.config.retry.attempts, agent::RetryConfig().attempts);
}

TEST(SourceQuestion, GivesACheckLessTimeThanAPutUnlessTheSourceSays) {
  const auto wall = [](Verb verb, const std::string& limits) {
    const Request request = ParsedAs(verb, R"({"source":{"api_key":"k","prompt":"p")" + limits + "}}");
    return (verb == Verb::kOut ? PutQuestion(request, "p", "/in") : SourceQuestion(request.source))
        ->config.budgets.wall;
  };
  EXPECT_EQ(wall(Verb::kCheck, ""), std::chrono::seconds(120));
  EXPECT_EQ(wall(Verb::kIn, ""), std::chrono::seconds(120));
  EXPECT_EQ(wall(Verb::kOut, ""), std::chrono::seconds(600));
  EXPECT_EQ(wall(Verb::kCheck, R"(,"limits":{"seconds":"5m"})"), std::chrono::seconds(300));
  EXPECT_EQ(wall(Verb::kOut, R"(,"limits":{"seconds":"5m"})"), std::chrono::seconds(300));
}

TEST(SealSecret, IsTheRecordKeyBeforeTheApiKey) {
  Source source;
  EXPECT_EQ(SealSecret(source), "");
  source.config.api_key = Secret("a");
  EXPECT_EQ(SealSecret(source), "a");
  source.record_key = Secret("b");
  EXPECT_EQ(SealSecret(source), "b");
}

}  // namespace
}  // namespace rune::resource
