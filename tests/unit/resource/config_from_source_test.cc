#include "resource/config_from_source.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fake_asker.h"
#include "sandbox/base/log.h"

namespace rune::resource {
namespace {

agent::PolicyConfig Wide() {
  agent::PolicyConfig policy;
  policy.allowed_commands = {"git", "curl"};
  policy.allowed_domains = {"*.example.com"};
  return policy;
}

std::string ErrorOf(const std::string& json) {
  const auto narrowed = Narrow(Wide(), json);
  return narrowed.ok() ? "(no error)" : narrowed.error().message;
}

TEST(Narrow, TakesAway) {
  const auto narrowed = Narrow(Wide(), R"({"allowed_commands":["git"],"allowed_domains":[],"max_memory_mb":100,
      "denied_paths":["/srv"],"allowed_paths_rw":["/tmp/x"],"mode":"confirm"})");
  ASSERT_TRUE(narrowed.ok()) << narrowed.error().message;
  EXPECT_EQ(narrowed->allowed_commands, std::vector<std::string>{"git"});
  EXPECT_TRUE(narrowed->allowed_domains.empty());
  EXPECT_EQ(narrowed->denied_paths, (std::vector<std::string>{"/srv", "/root", "/etc/shadow"}))
      << "what the source denies stays denied";
}

TEST(Narrow, NeverGives) {
  EXPECT_EQ(ErrorOf(R"({"allowed_commands":["rm"]})"),
            "params.policy.allowed_commands: 'rm' is not allowed by the source; params may only narrow the policy");
  for (const char* json :
       {R"({"allowed_commands":["*"]})", R"({"allowed_domains":["evil.example"]})", R"({"allowed_paths_rw":["/"]})",
        R"({"allowed_paths_ro":["/etc"]})", R"({"allowed_paths_rw":["/tmp/../etc"]})", R"({"max_memory_mb":4096})",
        R"({"max_memory_mb":0})", R"({"max_pids":65})", R"({"mode":"unrestricted"})"}) {
    EXPECT_NE(ErrorOf(json).find("may only narrow"), std::string::npos) << json;
  }
}

TEST(Narrow, KeepsWhatTheSourceRequires) {
  agent::PolicyConfig policy;
  policy.enforcement = sandbox::Enforcement::kRequire;
  policy.required_layers = {sandbox::Layer::kLandlock};
  const auto narrowed = Narrow(policy, R"({"enforcement":"best-effort"})");
  ASSERT_TRUE(narrowed.ok()) << narrowed.error().message;
  EXPECT_EQ(narrowed->enforcement, sandbox::Enforcement::kRequire);
  EXPECT_EQ(narrowed->required_layers, policy.required_layers);
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
  EXPECT_EQ(ParsedAs(Verb::kCheck, R"({"source":{"thinking":false}})").source.thinking, "off")
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
  EXPECT_EQ(config.caps, R"({"images":false})");
  EXPECT_EQ(config.context_window, 9000u);
  ASSERT_EQ(config.fallback.size(), 1u);
  EXPECT_EQ(config.fallback[0].provider, "anthropic");
  HideSecrets(request.source);
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
  EXPECT_EQ(plain.deadlines.first_byte, std::nullopt);
  EXPECT_EQ(plain.retry.attempts, agent::RetryConfig().attempts);
}

TEST(SealSecret, IsTheRecordKeyBeforeTheApiKey) {
  Source source;
  EXPECT_EQ(SealSecret(source), "");
  source.api_key = "a";
  EXPECT_EQ(SealSecret(source), "a");
  source.record_key = "b";
  EXPECT_EQ(SealSecret(source), "b");
}

}  // namespace
}  // namespace rune::resource
