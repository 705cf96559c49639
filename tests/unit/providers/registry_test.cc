#include "agent/providers/registry.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "sandbox/base/files.h"
#include "sandbox/base/redaction.h"
#include "tests/unit/http/loopback_server.h"

namespace rune::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Config With(const std::string& provider, const std::string& key, const std::string& base_url) {
  Config config;
  config.provider = provider;
  config.api_key = Secret(key);
  config.base_url = base_url;
  return config;
}

/// "provider model", or the error.
std::string Made(const Config& config) {
  EventLoop loop;
  const auto client = MakeModelClient(loop, config);
  return client.ok() ? (*client)->provider() + " " + (*client)->model() : client.error().message;
}

struct Row {
  std::string provider;
  std::string key;
  std::string base_url;
  std::string expected;
};

TEST(Registry, TheProviderIsNamedOrImplied) {
  const std::vector<Row> rows{{"", "sk-proj-1", "", "openai gpt-4o"},
                              {"", "any", "", "openai gpt-4o"},
                              {"", "sk-or-v1-1", "", "openrouter openai/gpt-4o"},
                              {"", "sk-ant-1", "", "anthropic claude-sonnet-4-5"},
                              {"", "AIzaSy1", "", "gemini gemini-2.5-flash"},
                              {"", "", "http://localhost:11434", "ollama llama3.1"},
                              {"", "", "http://ollama:11434/v1", "ollama llama3.1"},
                              {"ollama", "", "", "ollama llama3.1"},
                              {"openai", "AIzaSy1", "", "openai gpt-4o"},
                              {"anthropic", "any", "", "anthropic claude-sonnet-4-5"},
                              {"", "any", "https://openrouter.ai/api/v1", "openrouter openai/gpt-4o"},
                              {"", "", "http://127.0.0.1:8080/v1", "openai gpt-4o"},
                              {"", "", "http://[::1]:8080/v1", "openai gpt-4o"},
                              {"", "ghp_1", "https://models.github.ai/inference", "openai gpt-4o"},
                              {"cassette", "", "", "cassette demo"}};
  for (const Row& row : rows)
    EXPECT_EQ(Made(With(row.provider, row.key, row.base_url)), row.expected) << row.key << row.base_url;
}

TEST(Registry, TheModelOfTheConfigurationWins) {
  Config config = With("openai", "any", "");
  config.model = "gpt-x";
  EXPECT_EQ(Made(config), "openai gpt-x");
}

TEST(Registry, AGithubTokenMeansCopilotUnlessItGoesElsewhere) {
  for (const std::string key : {"ghu_1", "ghp_1", "gho_1", "github_pat_1", "tid=1;exp=2:mac"}) {
    EXPECT_EQ(Made(With("", key, "")), "github-copilot gpt-4.1") << key;
  }
  EXPECT_EQ(Made(With("github-copilot", "any", "https://acme.ghe.com")), "github-copilot gpt-4.1");
  EXPECT_EQ(Made(With("", "any", "https://api.business.githubcopilot.com")), "github-copilot gpt-4.1");
  EXPECT_THAT(Made(With("github-copilot", "", "")), HasSubstr("RUNE_API_KEY"));
}

/// "wire base_url", or the error.
std::string Chosen(const Config& config) {
  EventLoop loop;
  const auto options = ChooseEndpoint(loop, config);
  if (!options.ok()) return options.error().message;
  return std::string(WireName(options->caps.wire)) + " " + options->endpoint.base_url;
}

TEST(Registry, EveryProviderHasItsWireAndItsAddress) {
  const std::string google = "https://generativelanguage.googleapis.com/v1beta";
  EXPECT_EQ(Chosen(With("gemini", "k", "")), "gemini-native " + google);
  EXPECT_EQ(Chosen(With("", "k", google + "/openai/")), "openai-chat " + google + "/openai");
  EXPECT_EQ(Chosen(With("anthropic", "k", "")), "anthropic-messages https://api.anthropic.com/v1");
  EXPECT_EQ(Chosen(With("", "k", "https://api.anthropic.com")), "anthropic-messages https://api.anthropic.com/v1");
  EXPECT_EQ(Chosen(With("", "k", "https://api.openai.com")), "openai-chat https://api.openai.com/v1");
  EXPECT_EQ(Chosen(With("openai", "k", "https://llm.example")), "openai-chat https://llm.example");
  EXPECT_EQ(Chosen(With("openai", "k", "https://llm.example/api//")), "openai-chat https://llm.example/api");
  Config config = With("gemini", "k", "");
  config.wire = "openai-chat";
  EXPECT_EQ(Chosen(config), "openai-chat " + google + "/openai");
  config = With("openai", "k", "");
  config.wire = "openai-responses";
  EXPECT_EQ(Chosen(config), "openai-responses https://api.openai.com/v1");
}

TEST(Registry, TheHostSaysMoreThanTheKey) {
  EXPECT_EQ(Made(With("", "sk-ant-1", "https://openrouter.ai/api/v1")), "openrouter openai/gpt-4o");
}

TEST(Registry, CapsAreCorrectedAndMistakesNamed) {
  Config config = With("openai", "k", "");
  config.caps = JsonTable::Parse(R"({"context_window":5000})", "caps").value();
  EventLoop loop;
  EXPECT_EQ((*MakeModelClient(loop, config))->context_window(), 5000u);
  config.caps = JsonTable::Parse(R"({"images":1})", "caps").value();
  EXPECT_THAT(Made(config), HasSubstr("caps.images"));
}

TEST(Registry, AFallbackIsCheckedBeforeAnythingIsAsked) {
  Config config = With("openai", "k", "");
  config.fallback = {
      {.provider = "anthropic", .model = "", .base_url = "", .api_key = {}, .api_key_env = "", .wire = ""}};
  EXPECT_THAT(Made(config), AllOf(HasSubstr("fallback[0]"), HasSubstr("no key for provider anthropic")));
  config.fallback[0].api_key = Secret("canary-fallback-key");
  EXPECT_EQ(Made(config), "openai gpt-4o");
  EXPECT_EQ(Redact("x canary-fallback-key y"), "x *** y");
}

TEST(Registry, AMissingKeySaysWhatToSet) {
  EXPECT_THAT(Made(With("", "", "")), AllOf(HasSubstr("RUNE_API_KEY"), HasSubstr("api_key")));
  EXPECT_THAT(Made(With("", " \n", "")), HasSubstr("RUNE_API_KEY"));
  EXPECT_THAT(Made(With("", "", "https://llm.example/v1")), HasSubstr("RUNE_API_KEY"));
  EXPECT_THAT(Made(With("", "", "http://localhost.example/v1")), HasSubstr("RUNE_API_KEY"));
}

TEST(Registry, AnUnknownProviderNamesTheNearest) {
  EXPECT_THAT(Made(With("antropic", "any", "")),
              AllOf(HasSubstr("'antropic'"), HasSubstr("'anthropic'"), HasSubstr("base_url")));
}

TEST(Registry, ARecordingIsNowhereSoThatItIsNoFallback) {
  Config config = With("openai", "k", "");
  config.fallback.push_back({.provider = "cassette"});
  EXPECT_EQ(Made(config), "fallback[0]: provider cassette plays a recording: it has no endpoint");
  EXPECT_EQ(Chosen(With("cassette", "", "")), "provider cassette plays a recording: it has no endpoint");
}

TEST(Registry, ABaseUrlIsAnHttpUrl) {
  EXPECT_THAT(Made(With("", "any", "api.example/v1")), AllOf(HasSubstr("base_url"), HasSubstr("api.example/v1")));
  EXPECT_THAT(Made(With("", "any", "file:///etc/passwd")), HasSubstr("base_url"));
}

TEST(Registry, AKeyThatWouldEndItsHeaderLineIsRefusedAndNotShown) {
  EXPECT_THAT(Made(With("openai", "canary-key\r\nX-Evil: 1", "")),
              AllOf(HasSubstr("api_key"), Not(HasSubstr("canary"))));
}

TEST(Registry, TheKeyIsASecretFromHereOn) {
  (void)Made(With("openai", "canary-registry-key\n", ""));
  EXPECT_EQ(Redact("x canary-registry-key y"), "x *** y");
}

TEST(Registry, TheRequestGoesToTheBaseUrlWithTheModelAndAskIsRecorded) {
  test::LoopbackServer server([](const test::SeenRequest&, test::Peer& peer) {
    peer.ReplyJson(200, R"({"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]})");
  });
  auto dir = TempDir::Create("/tmp", "rune-registry-test");
  ASSERT_TRUE(dir.ok());
  Config config = With("ollama", "", server.url());
  config.record = dir->path() + "/tape";
  EventLoop loop;
  auto client = MakeModelClient(loop, config);
  ASSERT_TRUE(client.ok()) << client.error().message;
  const std::vector<Message> messages{MakeText(Role::kUser, "Hello")};
  const std::vector<ToolSpec> tools;
  GenerationOptions options;
  options.max_output_tokens = 5;
  ASSERT_TRUE(std::holds_alternative<ModelReply>(
      (*client)->Complete({.messages = messages, .tools = tools, .options = options}, nullptr)));
  const auto request = server.seen().at(0);
  EXPECT_THAT(request.head, AllOf(HasSubstr("POST /v1/chat/completions "), Not(HasSubstr("Authorization"))));
  EXPECT_THAT(request.body, AllOf(HasSubstr("\"model\":\"llama3.1\""), HasSubstr("\"max_tokens\":5")));

  Config replay = With("cassette", "", "");
  replay.cassette = config.record;
  auto player = MakeModelClient(loop, replay);
  ASSERT_TRUE(player.ok()) << player.error().message;
  const ModelOutcome played = (*player)->Complete({.messages = messages, .tools = tools}, nullptr);
  ASSERT_TRUE(std::holds_alternative<ModelReply>(played));
  EXPECT_EQ(TextOf(std::get<ModelReply>(played).message), "Hi");
}

TEST(Registry, ACassetteThatIsNotThereIsNamed) {
  Config config = With("cassette", "", "");
  config.cassette = "/nowhere/tape";
  EXPECT_THAT(Made(config), HasSubstr("/nowhere/tape"));
}

}  // namespace
}  // namespace rune::agent
