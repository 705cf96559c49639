#include "agent/providers/models_list.h"

#include <gmock/gmock.h>

#include "agent/providers/registry.h"
#include "tests/unit/http/loopback_server.h"

namespace rune::agent {
namespace {

using test::LoopbackServer;
using test::Peer;
using test::SeenRequest;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Row {
  const char* what;
  const char* body;
  const char* id;
  std::uint64_t context;
  std::uint64_t output;
};

TEST(ModelList, EveryProvidersShapeIsUnderstood) {
  const std::vector<Row> rows{
      {"OpenAI", R"({"object":"list","data":[{"id":"gpt-x","object":"model","owned_by":"openai"}]})", "gpt-x", 0, 0},
      {"OpenRouter",
       R"({"data":[{"id":"a/b","context_length":200000,"top_provider":{"max_completion_tokens":64000}}]})", "a/b",
       200'000, 64'000},
      {"vLLM", R"({"data":[{"id":"m","max_model_len":32768}]})", "m", 32'768, 0},
      {"llama.cpp", R"({"models":[],"data":[]})", "", 0, 0},
      {"llama.cpp's data", R"({"data":[{"id":"m","meta":{"n_ctx_train":4096}}]})", "m", 4096, 0},
      {"Mistral", R"({"data":[{"id":"mistral-small","max_context_length":131072}]})", "mistral-small", 131'072, 0},
      {"Anthropic",
       R"({"data":[{"type":"model","id":"claude-x","display_name":"X","max_input_tokens":200000}],"has_more":false})",
       "claude-x", 200'000, 0},
      {"Gemini",
       R"({"models":[{"name":"models/text-embedding","supportedGenerationMethods":["embedContent"]},
          {"name":"models/gemini-x","inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent"]}]})",
       "gemini-x", 1'048'576, 65'536},
      {"Copilot",
       R"({"data":[{"id":"gpt-x","capabilities":{"limits":{"max_context_window_tokens":128000,"max_prompt_tokens":64000,"max_output_tokens":4096}}}]})",
       "gpt-x", 64'000, 4096},
      {"Ollama", R"({"models":[{"name":"llama3.1:8b","size":1}]})", "llama3.1:8b", 0, 0},
      {"a bare array", R"([{"id":"m"}])", "m", 0, 0}};
  for (const Row& row : rows) {
    const auto models = ReadModelList(row.body);
    ASSERT_TRUE(models.ok()) << row.what;
    if (*row.id == '\0') continue;
    ASSERT_EQ(models->size(), 1u) << row.what;
    EXPECT_EQ((*models)[0].id, row.id) << row.what;
    EXPECT_EQ((*models)[0].context, row.context) << row.what;
    EXPECT_EQ((*models)[0].output, row.output) << row.what;
  }
}

TEST(ModelList, NamesAreMadeSafeAndSorted) {
  const auto models =
      ReadModelList(R"({"data":[{"id":"z\u001b[31m\n\u202ered"},{"id":"a"},{"id":""},{"x":1},7,null]})");
  ASSERT_TRUE(models.ok());
  ASSERT_EQ(models->size(), 2u);
  EXPECT_EQ((*models)[0].id, "a");
  EXPECT_THAT((*models)[1].id, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\n")), Not(HasSubstr("\u202e"))));
}

TEST(ModelList, WhatIsNoListIsAnError) {
  for (const char* const body : {"{}", "7", "", "<html>", R"({"data":7})", R"({"error":{"message":"no"}})"}) {
    EXPECT_FALSE(ReadModelList(body).ok()) << body;
  }
}

/// The error, or "".
std::string Listed(const std::string& provider, const std::string& base_url, std::vector<ListedModel>* out = nullptr) {
  Config config;
  config.provider = provider;
  config.base_url = base_url;
  config.api_key = Secret("canary-models-key");
  EventLoop loop;
  auto options = ChooseEndpoint(loop, config);
  if (!options.ok()) return options.error().message;
  auto models = ListModels(loop, *options);
  if (models.ok() && out != nullptr) *out = *models;
  return models.ok() ? "" : models.error().message;
}

TEST(ListModels, EveryWireAsksAtItsPlaceWithItsKey) {
  const std::vector<std::vector<std::string>> rows{
      {"openai", "/v1", "GET /v1/models ", "Authorization: Bearer canary-models-key"},
      {"ollama", "", "GET /v1/models ", "Authorization: Bearer"},
      {"anthropic", "", "GET /v1/models?limit=1000 ", "x-api-key: canary-models-key"},
      {"gemini", "", "GET /v1beta/models?pageSize=1000 ", "x-goog-api-key: canary-models-key"}};
  for (const auto& row : rows) {
    LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.ReplyJson(200, R"({"data":[{"id":"gpt-4o"}]})"); });
    std::vector<ListedModel> models;
    EXPECT_EQ(Listed(row[0], server.url() + row[1], &models), "") << row[0];
    EXPECT_THAT(server.seen().at(0).head, AllOf(HasSubstr(row[2]), HasSubstr(row[3])));
    ASSERT_EQ(models.size(), 1u);
    EXPECT_EQ(models[0].context, row[0] == "anthropic" ? 128'000u : models[0].context);
    EXPECT_GE(models[0].context, 128'000u) << "the table knows what the list does not say";
  }
}

TEST(ListModels, AListInPagesIsReadToItsEnd) {
  for (const bool anthropic : {true, false}) {
    LoopbackServer server([&](const SeenRequest& request, Peer& peer) {
      const bool more = request.number < 3;
      const std::string id = R"({"id":"gpt-4o-)" + std::to_string(request.number) + R"("})";
      peer.ReplyJson(
          200, anthropic ? R"({"data":[)" + id + R"(],"last_id":"a b&)" + std::to_string(request.number) +
                               R"(","has_more":)" + (more ? "true}" : "false}")
                         : R"({"models":[)" + id + "]" +
                               (more ? R"(,"nextPageToken":"t=)" + std::to_string(request.number) + R"("})" : "}"));
    });
    std::vector<ListedModel> models;
    EXPECT_EQ(Listed(anthropic ? "anthropic" : "gemini", server.url(), &models), "");
    EXPECT_EQ(models.size(), 3U);
    ASSERT_EQ(server.seen().size(), 3U);
    EXPECT_THAT(server.seen()[2].head,
                HasSubstr(anthropic ? "?limit=1000&after_id=a%20b%262 " : "?pageSize=1000&pageToken=t%3D2 "));
    EXPECT_THAT(server.seen()[2].head, HasSubstr("canary-models-key")) << "every page needs the key";
  }
}

TEST(ListModels, AListThatNeverEndsIsGivenUp) {
  for (const bool same : {true, false}) {
    LoopbackServer server([&](const SeenRequest& request, Peer& peer) {
      peer.ReplyJson(200, R"({"models":[{"name":"models/m"}],"nextPageToken":")" +
                              (same ? std::string("t") : std::to_string(request.number)) + R"("})");
    });
    std::vector<ListedModel> models;
    EXPECT_EQ(Listed("gemini", server.url(), &models), "");
    EXPECT_EQ(models.size(), 1U) << "each model once";
    EXPECT_EQ(server.seen().size(), same ? 2U : 20U);
  }
}

struct FailureRow {
  int status;
  const char* type;
  const char* body;
  const char* words;
};

TEST(ListModels, EveryFailureIsOneLineThatSaysWhatToChange) {
  const std::vector<FailureRow> rows{
      {401, "application/json", R"({"error":{"message":"bad key"}})", "check api_key"},
      {404, "text/html", "<html><title>Nope</title>", "check base_url"},
      {200, "text/html", "<html><title>Sign in</title>", "Sign in"},
      {200, "application/json", R"({"error":{"message":"over capacity","code":503}})", "over capacity"},
      {200, "application/json", "{}", "base_url"},
      {302, "text/html", "", "redirects"},
      {429, "application/json", R"({"error":{"code":"insufficient_quota","message":"q"}})", "quota"}};
  for (const FailureRow& row : rows) {
    LoopbackServer server([&](const SeenRequest&, Peer& peer) {
      peer.Reply(row.status, std::string("Content-Type: ") + row.type + "\r\n", row.body);
    });
    EXPECT_THAT(Listed("openai", server.url() + "/v1"), AllOf(HasSubstr(row.words), Not(HasSubstr("\n")))) << row.body;
  }
  EXPECT_THAT(Listed("openai", "http://127.0.0.1:" + std::to_string(test::UnusedPort())), HasSubstr("nothing listens"));
}

}  // namespace
}  // namespace rune::agent
