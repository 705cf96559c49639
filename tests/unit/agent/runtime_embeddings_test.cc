/// Compaction with and without [embeddings], against one server that plays the model and the endpoint.
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/json/json.h"
#include "agent/runtime.h"
#include "sandbox/base/files.h"
#include "tests/unit/http/loopback_server.h"

namespace rune::agent {
namespace {

using test::LoopbackServer;
using test::Peer;
using test::SeenRequest;

bool IsEmbedding(const SeenRequest& request) { return request.head.find("/api/embed") != std::string::npos; }

/// Texts about the harbour are near each other, and far from all others.
void Answer(const SeenRequest& request, Peer& peer) {
  if (!IsEmbedding(request)) {
    peer.ReplyEvents(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"fine\"},\"finish_reason\":\"stop\"}]}\n\n"
        "data: [DONE]\n\n");
    return;
  }
  const auto body = json::Document::Parse(request.body);
  json::Writer writer;
  writer.BeginObject().Key("embeddings").BeginArray();
  for (std::size_t i = 0; body.ok() && i < body->root()["input"].size(); ++i) {
    const bool harbour = body->root()["input"][i].string().value_or("").find("harbour") != std::string_view::npos;
    writer.BeginArray().Int(harbour ? 1 : 0).Int(harbour ? 0 : 1).EndArray();
  }
  peer.ReplyJson(200, writer.EndArray().EndObject().Take());
}

class RuntimeEmbeddingsTest : public testing::Test {
 protected:
  void SetUp() override { home_ = std::make_unique<TempDir>(TempDir::Create("/var/tmp", "runtime-").value()); }

  /// What the model was shown with the last of several prompts.
  std::string LastRequest(LoopbackServer& server, const EmbeddingsConfig& embeddings) {
    Config config;
    config.provider = "openai";
    config.api_key = Secret("test-key-0123456789");
    config.base_url = server.url() + "/v1";
    config.embeddings = embeddings;
    config.retry.attempts = 1;
    config.compact_keep_last = 1;
    config.compact_threshold = 1;
    config.context_window = Overhead(config) + 1'100;  // three prompts of 300 tokens fit, four do not
    RunObserver observer;
    auto runtime = Runtime::Create(loop_, config, {.home = home_->path()}, observer);
    EXPECT_TRUE(runtime.ok()) << (runtime.ok() ? "" : runtime.error().message);
    for (const char* prompt : {"first", "apples", "the harbour at night", "who lights the harbour?"}) {
      const RunResult result = (*runtime)->Run(prompt + std::string(1'200, '.'));
      EXPECT_TRUE(result.answered()) << result.detail;
    }
    return server.seen().back().body;
  }
  /// Tokens of system prompt and tools.
  std::uint64_t Overhead(const Config& config) {
    RunObserver observer;
    const auto runtime = Runtime::Create(loop_, config, {.home = home_->path()}, observer).value();
    const std::vector<ToolSpec> specs = runtime->tools().Specs();
    return EstimateTokens(runtime->agent().history()) + EstimateTokens(specs);
  }
  std::size_t Embeddings(LoopbackServer& server) {
    const auto seen = server.seen();
    return static_cast<std::size_t>(std::count_if(seen.begin(), seen.end(), IsEmbedding));
  }

  EventLoop loop_;
  std::unique_ptr<TempDir> home_;
};

TEST_F(RuntimeEmbeddingsTest, WithoutAnEndpointNothingIsSentAndTheOldestGo) {
  LoopbackServer server(Answer);
  const std::string shown = LastRequest(server, {});
  EXPECT_EQ(Embeddings(server), 0U);
  EXPECT_EQ(shown.find("the harbour at night"), std::string::npos) << shown;
  EXPECT_FALSE(Exists(home_->path() + "/.rune/embeddings"));
}

TEST_F(RuntimeEmbeddingsTest, WithOneTheTurnThatMattersStays) {
  LoopbackServer server(Answer);
  const std::string shown = LastRequest(server, {.provider = "ollama", .base_url = server.url(), .keep_turns = 1});
  EXPECT_EQ(Embeddings(server), 1U);
  EXPECT_NE(shown.find("the harbour at night"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("apples"), std::string::npos) << shown;
  EXPECT_TRUE(Exists(home_->path() + "/.rune/embeddings"));
  for (const SeenRequest& request : server.seen()) {
    if (IsEmbedding(request)) {
      EXPECT_EQ(request.head.find("test-key"), std::string::npos) << "the model's key stays with the model";
    }
  }
}

TEST_F(RuntimeEmbeddingsTest, AnEndpointThatFailsChangesNothingButAWarning) {
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    if (IsEmbedding(request)) return peer.ReplyJson(500, "{}");
    Answer(request, peer);
  });
  testing::internal::CaptureStderr();
  const std::string shown = LastRequest(server, {.provider = "ollama", .base_url = server.url()});
  EXPECT_NE(testing::internal::GetCapturedStderr().find("embeddings: the server answers 500"), std::string::npos);
  EXPECT_EQ(shown.find("the harbour at night"), std::string::npos) << shown;
  EXPECT_NE(shown.find("who lights the harbour?"), std::string::npos);
}

TEST_F(RuntimeEmbeddingsTest, AKeyThatIsMissingIsSaidBeforeAnythingIsSent) {
  Config config;
  config.provider = "cassette";
  config.embeddings.provider = "openai";
  RunObserver observer;
  const auto runtime = Runtime::Create(loop_, config, {.home = home_->path()}, observer);
  ASSERT_FALSE(runtime.ok());
  EXPECT_EQ(runtime.error().kind, ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace rune::agent
