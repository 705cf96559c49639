#include "agent/embeddings/embedder.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "agent/json/json.h"
#include "tests/unit/http/loopback_server.h"

namespace rune::agent {
namespace {

using test::LoopbackServer;
using test::Peer;
using test::SeenRequest;

EmbeddingEndpoint EndpointOf(const EmbeddingsConfig& config) {
  auto endpoint = ChooseEmbeddings(config);
  if (!endpoint.ok()) ADD_FAILURE() << endpoint.error().message;
  return std::move(endpoint).value();
}
std::string ErrorOf(const EmbeddingsConfig& config) {
  const auto endpoint = ChooseEmbeddings(config);
  return endpoint.ok() ? "(no error)" : endpoint.error().message;
}

TEST(EmbeddingsTest, EveryProviderHasItsDefaults) {
  EXPECT_EQ(EndpointOf({.provider = "openai", .api_key = Secret("k")}).base_url, "https://api.openai.com/v1");
  EXPECT_EQ(EndpointOf({.provider = "gemini", .api_key = Secret("k")}).model, "gemini-embedding-001");
  EXPECT_EQ(EndpointOf({.provider = "ollama"}).base_url, "http://localhost:11434");
  EXPECT_EQ(EndpointOf({.provider = "openai", .base_url = "http://h/v1//"}).base_url, "http://h/v1");
  EXPECT_EQ(EndpointOf({.provider = "ollama", .model = "m"}).model, "m");
}

TEST(EmbeddingsTest, WhatCannotWorkIsSaidBeforeAnythingIsSent) {
  EXPECT_EQ(ErrorOf({.provider = "openai"}), "embeddings.api_key: openai needs a key (RUNE_EMBEDDINGS_API_KEY)");
  EXPECT_EQ(ErrorOf({.provider = "cohere"}), "embeddings.provider: expected openai, gemini or ollama, found 'cohere'");
  EXPECT_NE(ErrorOf({.provider = "ollama", .base_url = "ftp://x"}).find("embeddings.base_url"), std::string::npos);
  EXPECT_NE(ErrorOf({.provider = "openai", .api_key = Secret("a\nb: c")}).find("embeddings.api_key"),
            std::string::npos);
}

TEST(EmbeddingsTest, EveryProviderIsAskedInItsOwnWords) {
  const HttpRequest openai = EncodeEmbeddings(EndpointOf({.provider = "openai", .api_key = Secret("k")}), {"a", "b\""});
  EXPECT_EQ(openai.url, "https://api.openai.com/v1/embeddings");
  EXPECT_EQ(*openai.body, R"({"model":"text-embedding-3-small","input":["a","b\""],"encoding_format":"float"})");
  EXPECT_EQ(openai.headers.back(), "Authorization: Bearer k");
  const HttpRequest gemini =
      EncodeEmbeddings(EndpointOf({.provider = "gemini", .model = "g", .api_key = Secret("k")}), {"a"});
  EXPECT_EQ(gemini.url, "https://generativelanguage.googleapis.com/v1beta/models/g:batchEmbedContents");
  EXPECT_EQ(*gemini.body, R"({"requests":[{"model":"models/g","content":{"parts":[{"text":"a"}]}}]})");
  EXPECT_EQ(gemini.headers.back(), "x-goog-api-key: k");
  const HttpRequest ollama = EncodeEmbeddings(EndpointOf({.provider = "ollama"}), {"a"});
  EXPECT_EQ(ollama.url, "http://localhost:11434/api/embed");
  EXPECT_EQ(*ollama.body, R"({"model":"nomic-embed-text","input":["a"]})");
  EXPECT_EQ(ollama.headers.size(), 2U) << "no key, no header";
}

TEST(EmbeddingsTest, EveryProviderIsUnderstood) {
  const std::vector<Vector> expected{{0, 1}, {1, 0}};
  EXPECT_EQ(*DecodeEmbeddings(EmbeddingWire::kOpenAi,
                              R"({"data":[{"index":1,"embedding":[2,0]},{"index":0,"embedding":[0,3]}]})", 2),
            expected)
      << "by index";
  EXPECT_EQ(*DecodeEmbeddings(EmbeddingWire::kOpenAi, R"({"data":[{"embedding":[0,3]},{"embedding":[2,0]}]})", 2),
            expected);
  EXPECT_EQ(*DecodeEmbeddings(EmbeddingWire::kGemini, R"({"embeddings":[{"values":[0,3]},{"values":[2,0]}]})", 2),
            expected);
  EXPECT_EQ(*DecodeEmbeddings(EmbeddingWire::kOllama, R"({"embeddings":[[0,3],[2,0]]})", 2), expected);
}

TEST(EmbeddingsTest, AnythingElseIsAProtocolError) {
  for (const char* body :
       {"", "<html>", "{}", "[]", "null", R"({"data":[]})", R"({"data":[{"embedding":[1]}]})",
        R"({"data":[{"embedding":[1]},{"embedding":[1,2]}]})", R"({"data":[{"embedding":[1]},{"embedding":[]}]})",
        R"({"data":[{"embedding":[1]},{"embedding":["x"]}]})", R"({"data":[{"embedding":[1]},{"embedding":[0]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":7,"embedding":[1]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":-1,"embedding":[1e400]}]})"}) {
    const auto vectors = DecodeEmbeddings(EmbeddingWire::kOpenAi, body, 2);
    ASSERT_FALSE(vectors.ok()) << body;
    EXPECT_EQ(vectors.error().kind, ErrorKind::kProtocol) << body;
  }
}

/// Answers with one vector per text: its length and 1.
void AnswerWithLengths(const SeenRequest& request, Peer& peer) {
  const auto body = json::Document::Parse(request.body);
  json::Writer writer;
  writer.BeginObject().Key("embeddings").BeginArray();
  for (std::size_t i = 0; body.ok() && i < body->root()["input"].size(); ++i) {
    const auto text = body->root()["input"][i].string().value_or("");
    writer.BeginArray().Uint(text.size()).Int(1).EndArray();
  }
  peer.ReplyJson(200, writer.EndArray().EndObject().Take());
}

TEST(HttpEmbedderTest, AsksInBatchesAndKeepsTheOrder) {
  LoopbackServer server(AnswerWithLengths);
  EventLoop loop;
  HttpEmbedder embedder(loop, EndpointOf({.provider = "ollama", .base_url = server.url()}));
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 150; ++i) texts.push_back(std::string(i, 'x'));
  const auto vectors = embedder.Embed(texts);
  ASSERT_TRUE(vectors.ok()) << vectors.error().message;
  ASSERT_EQ(vectors->size(), 150U);
  for (std::size_t i = 0; i < 150; ++i) {
    EXPECT_NEAR((*vectors)[i][0] / (*vectors)[i][1], static_cast<double>(i), 0.01);
  }
  EXPECT_EQ(server.seen().size(), 3U);
  EXPECT_EQ(server.seen().back().connection, 1) << "one connection";
  EXPECT_EQ(embedder.name(), "ollama/nomic-embed-text");
}

TEST(HttpEmbedderTest, AFailureIsOneLineWithoutTheKey) {
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    peer.ReplyJson(request.number == 1 ? 401 : 500, R"({"error":"no such key"})");
  });
  EventLoop loop;
  HttpEmbedder embedder(loop,
                        EndpointOf({.provider = "openai", .base_url = server.url(), .api_key = Secret("key-key-key")}));
  const auto refused = embedder.Embed({"a"});
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(refused.error().message, R"(embeddings: the server answers 401: {"error":"no such key"})");
  EXPECT_NE(embedder.Embed({"a"}).error().message.find("500"), std::string::npos);
  EXPECT_NE(server.seen()[0].head.find("Authorization: Bearer key-key-key"), std::string::npos);
  EXPECT_EQ(server.seen()[0].head.substr(0, 16), "POST /embeddings");
}

TEST(HttpEmbedderTest, NobodyThereIsAnErrorAndAnInterruptionEndsTheWait) {
  EventLoop loop;
  HttpEmbedder nobody(
      loop, EndpointOf({.provider = "ollama", .base_url = "http://127.0.0.1:" + std::to_string(test::UnusedPort())}));
  EXPECT_EQ(nobody.Embed({"a"}).error().kind, ErrorKind::kUnavailable);
  LoopbackServer silent([](const SeenRequest&, Peer&) {});
  HttpEmbedder waiting(loop, EndpointOf({.provider = "ollama", .base_url = silent.url()}));
  loop.At(Clock::now() + Milliseconds(50), [&loop] { loop.Interrupt(SIGTERM); });
  EXPECT_EQ(waiting.Embed({"a"}).error().kind, ErrorKind::kCancelled);
}

}  // namespace
}  // namespace rune::agent
