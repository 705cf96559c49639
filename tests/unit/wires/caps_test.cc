#include "agent/wires/caps.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace rune::agent {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kOpenAi = "https://api.openai.com/v1";
constexpr const char* kLocal = "http://127.0.0.1:8080/v1";
constexpr const char* kGemini = "https://generativelanguage.googleapis.com/v1beta";

struct WindowRow {
  const char* provider;
  const char* url;
  const char* model;
  std::uint64_t window;
};

TEST(Caps, TheWindowsOfKnownModels) {
  const std::vector<WindowRow> rows{
      {"openai", kOpenAi, "gpt-4o-mini", 128'000},
      {"openai", kOpenAi, "gpt-4.1-2025-04-14", 1'047'576},
      {"openai", kOpenAi, "o3", 200'000},
      {"openai", kOpenAi, "gpt-5.2-codex", 400'000},
      {"openrouter", "https://openrouter.ai/api/v1", "openai/gpt-5", 400'000},
      {"openrouter", "https://openrouter.ai/api/v1", "anthropic/claude-sonnet-4.6", 1'000'000},
      {"anthropic", "https://api.anthropic.com/v1", "claude-opus-4-5", 200'000},
      {"anthropic", "https://api.anthropic.com/v1", "claude-opus-4-6", 1'000'000},
      {"gemini", kGemini, "gemini-2.5-pro", 1'048'576},
      {"github-copilot", "", "gpt-4o", 64'000},
      {"github-copilot", "", "claude-sonnet-4.5", 128'000},
      {"github-copilot", "", "gpt-5.2-codex", 400'000},
      {"openai", "https://api.deepseek.com", "deepseek-chat", 128'000},
      {"openai", "https://api.deepseek.com/v1", "deepseek-v4-pro", 1'000'000},
      {"openai", kLocal, "whatever", 0}};
  for (const WindowRow& row : rows) {
    EXPECT_EQ(LookUpCaps(row.provider, row.url, row.model).context_window, row.window) << row.model;
  }
}

TEST(Caps, OpenAiItselfWantsOtherWordsThanItsImitators) {
  const Caps own = LookUpCaps("openai", kOpenAi, "gpt-5-mini");
  EXPECT_EQ(own.max_tokens_field, "max_completion_tokens");
  EXPECT_TRUE(own.developer_role);
  EXPECT_FALSE(own.temperature);
  EXPECT_TRUE(own.thinking);
  EXPECT_TRUE(own.cache_key);
  const Caps other = LookUpCaps("openai", kLocal, "some-model");
  EXPECT_EQ(other, Caps{});
  EXPECT_FALSE(LookUpCaps("openai", "https://gateway.example/v1", "gpt-5").developer_role);
}

struct StyleRow {
  const char* provider;
  const char* model;
  bool thinking;
  const char* style;
  bool temperature;
};

TEST(Caps, EveryGenerationThinksInItsOwnWay) {
  const std::vector<StyleRow> rows{{"anthropic", "claude-3-5-haiku-latest", false, "", true},
                                   {"anthropic", "claude-3-7-sonnet-20250219", true, "budget", true},
                                   {"anthropic", "claude-sonnet-4-20250514", true, "budget", true},
                                   {"anthropic", "claude-sonnet-4-5-20250929", true, "budget", true},
                                   {"anthropic", "claude-opus-4-6", true, "adaptive", true},
                                   {"anthropic", "claude-opus-4-7", true, "adaptive", false},
                                   {"gemini", "gemini-2.0-flash", false, "", true},
                                   {"gemini", "gemini-2.5-flash", true, "budget", true},
                                   {"gemini", "gemini-3-pro-preview", true, "level", true},
                                   {"openrouter", "x/y", true, "openrouter", true},
                                   {"ollama", "qwen3", true, "effort", true}};
  for (const StyleRow& row : rows) {
    const Caps caps = LookUpCaps(row.provider, "https://host.example", row.model);
    EXPECT_EQ(caps.thinking, row.thinking) << row.model;
    EXPECT_EQ(caps.thinking_style, row.style) << row.model;
    EXPECT_EQ(caps.temperature, row.temperature) << row.model;
  }
}

TEST(Caps, AnthropicGetsACapWithinTheModelsOwn) {
  EXPECT_EQ(LookUpCaps("anthropic", "", "claude-sonnet-4-5").default_max_tokens, 16'384u);
  EXPECT_EQ(LookUpCaps("anthropic", "", "claude-3-5-sonnet-20241022").default_max_tokens, 8192u);
  EXPECT_EQ(LookUpCaps("anthropic", "", "claude-3-haiku-20240307").default_max_tokens, 4096u);
}

TEST(Caps, CopilotIsGreetedLikeAnEditor) {
  const Caps caps = LookUpCaps("github-copilot", "", "gpt-4.1");
  for (const char* const name :
       {"Editor-Version: ", "Editor-Plugin-Version: ", "Copilot-Integration-Id: ", "User-Agent: "}) {
    EXPECT_THAT(caps.headers, Contains(StartsWith(name)));
  }
}

Result<void> Overridden(Caps& caps, std::string_view json) {
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(json, "caps"));
  return OverrideCaps(caps, document.root());
}

TEST(Caps, TheUserKnowsBetter) {
  Caps caps;
  ASSERT_TRUE(Overridden(caps, R"({"wire":"openai-responses","images":false,"context_window":9000,
      "thinking_style":"effort","headers":["X-Team: a","X-Empty:"]})")
                  .ok());
  EXPECT_EQ(caps.wire, Wire::kOpenAiResponses);
  EXPECT_FALSE(caps.images);
  EXPECT_EQ(caps.context_window, 9000u);
  EXPECT_EQ(caps.headers.size(), 2u);
}

TEST(Caps, ABadOverrideNamesItsMemberAndChangesNothing) {
  const std::vector<std::pair<std::string, std::string>> rows{{R"({"image":false})", "did you mean 'images'"},
                                                              {R"({"images":"no"})", "caps.images: expected"},
                                                              {R"({"context_window":-1})", "caps.context_window"},
                                                              {R"({"wire":"soap"})", "caps.wire: expected openai-chat"},
                                                              {R"({"headers":["X: a\r\nEvil: b"]})", "caps.headers"},
                                                              {R"({"headers":["no colon"]})", "caps.headers"},
                                                              {R"({"headers":["X y: 1"]})", "caps.headers"},
                                                              {R"({"refused_field":"x"})", "unknown key"},
                                                              {"[]", "expected an object"},
                                                              {"{", "caps"}};
  for (const auto& [json, words] : rows) {
    Caps caps;
    const auto result = Overridden(caps, json);
    ASSERT_FALSE(result.ok()) << json;
    EXPECT_THAT(result.error().message, HasSubstr(words)) << json;
    EXPECT_EQ(caps, Caps{}) << json;
  }
}

Caps AllOn() {
  Caps caps;
  caps.developer_role = caps.thinking = caps.cache_marks = caps.cache_key = true;
  caps.default_max_tokens = 16'384;
  return caps;
}

struct RefusalRow {
  const char* message;
  void (*expected)(Caps&);
};

TEST(Degrade, EveryRefusalSwitchesOneThingOffAndOnlyOnce) {
  const std::vector<RefusalRow> rows{
      {"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
       [](Caps& c) {
         c.refused_field = "max_tokens";
         c.max_tokens_field = "max_completion_tokens";
       }},
      {"max_tokens: 16384 > 8192, which is the maximum allowed number of output tokens",
       [](Caps& c) { c.default_max_tokens = 4096; }},
      {"input length and `max_tokens` exceed context limit: 190000 + 16384 > 200000",
       [](Caps& c) { c.default_max_tokens = 4096; }},
      {"Unrecognized request argument supplied: stream_options", [](Caps& c) { c.stream_usage = false; }},
      {"Unsupported value: 'temperature' does not support 0.2 with this model.",
       [](Caps& c) { c.temperature = false; }},
      {"Unknown parameter: 'seed'", [](Caps& c) { c.temperature = false; }},
      {"Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model",
       [](Caps& c) { c.json_schema = false; }},
      {"Function calling with a response mime type: 'application/json' is unsupported",
       [](Caps& c) { c.json_schema = false; }},
      {"'developer' is not one of the allowed roles ['system', 'user']", [](Caps& c) { c.developer_role = false; }},
      {"Unrecognized request argument supplied: reasoning_effort", [](Caps& c) { c.thinking = false; }},
      {"\"llama3.1\" does not support thinking", [](Caps& c) { c.thinking = false; }},
      {"Corrupted thought signature.", [](Caps& c) { c.echo_reasoning = false; }},
      {"messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest message cannot be modified",
       [](Caps& c) { c.echo_reasoning = false; }},
      {"tools.0.cache_control: Extra inputs are not permitted", [](Caps& c) { c.cache_marks = false; }},
      {"Unknown parameter: 'prompt_cache_key'", [](Caps& c) { c.cache_key = false; }},
      {"image blocks are not permitted within tool_result", [](Caps& c) { c.tool_images = false; }},
      {"Invalid value for 'content': expected a string, got null.", [](Caps& c) { c.null_content = false; }}};
  for (const RefusalRow& row : rows) {
    Caps caps = AllOn();
    Caps expected = AllOn();
    row.expected(expected);
    EXPECT_TRUE(Degrade(caps, row.message)) << row.message;
    EXPECT_EQ(caps, expected) << row.message;
    int more = 0;
    while (Degrade(caps, row.message)) ASSERT_LT(++more, 20) << row.message;
  }
}

TEST(Degrade, WhatNamesNothingWeSentChangesNothing) {
  for (const char* const message :
       {"Invalid request", "The model `x` does not exist", "Invalid 'tools': empty array.", ""}) {
    Caps caps = AllOn();
    EXPECT_FALSE(Degrade(caps, message)) << message;
    EXPECT_EQ(caps, AllOn());
  }
}

TEST(Degrade, AServerThatRefusesBothNamesOfTheCapDoesNotLeadInCircles) {
  Caps caps;
  EXPECT_TRUE(Degrade(caps, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."));
  EXPECT_FALSE(Degrade(caps, "Unsupported parameter: 'max_completion_tokens'. Use 'max_tokens' instead."));
}

}  // namespace
}  // namespace rune::agent
