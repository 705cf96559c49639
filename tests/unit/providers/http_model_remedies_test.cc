#include <fcntl.h>
#include <unistd.h>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"
#include "tests/unit/providers/model_fixture.h"

namespace rune::agent {
namespace {

const std::string kResponsesAnswer =
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\","
    "\"output\":[{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":"
    "\"Hello\"}]}]}}\n\n";
const std::string kAnthropicAnswer =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[],\"usage\":{}}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
    "\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
    "\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
const std::string kGeminiAnswer =
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hello\"}],\"role\":\"model\"},\"finishReason\":"
    "\"STOP\"}]}\r\n\r\n";

struct WireRow {
  Wire wire;
  const char* path;
  const char* key_header;
  const std::string& answer;
};

TEST_F(ModelTest, EveryWireHasItsPathItsKeyHeaderAndItsAnswer) {
  const std::vector<WireRow> rows{
      {Wire::kOpenAiChat, "POST /v1/chat/completions ", "Authorization: Bearer ", kAnswer},
      {Wire::kOpenAiResponses, "POST /v1/responses ", "Authorization: Bearer ", kResponsesAnswer},
      {Wire::kAnthropicMessages, "POST /v1/messages ", "x-api-key: ", kAnthropicAnswer},
      {Wire::kGeminiNative, "POST /v1/models/m:streamGenerateContent?alt=sse ", "x-goog-api-key: ", kGeminiAnswer}};
  for (const WireRow& row : rows) {
    LoopbackServer server([&](const SeenRequest&, Peer& peer) { peer.ReplyEvents(row.answer); });
    options_.caps.wire = row.wire;
    options_.caps.headers = {"X-Team: a"};
    EXPECT_EQ(TextIn(Ask(server.url() + "/v1/")), "Hello") << row.path;
    const std::string head = server.seen().at(0).head;
    EXPECT_THAT(head, AllOf(HasSubstr(row.path), HasSubstr(row.key_header + kKey), HasSubstr("X-Team: a")));
    EXPECT_EQ(head.find(kKey), head.rfind(kKey)) << "the key goes out once, and never in the URL";
    const bool versioned = row.wire == Wire::kAnthropicMessages;
    EXPECT_EQ(head.find("anthropic-version: 2023-06-01\r\n") != std::string::npos, versioned) << head;
    EXPECT_EQ(head.find("anthropic-version"), head.rfind("anthropic-version"));
  }
}

TEST_F(ModelTest, WhatTheServerDoesNotKnowIsLeftOutFromThenOn) {
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    if (request.body.find("stream_options") != std::string::npos)
      return peer.ReplyJson(400, R"({"error":{"message":"Unrecognized request argument supplied: stream_options"}})");
    peer.ReplyEvents(kAnswer);
  });
  options_.endpoint.base_url = server.url();
  HttpModelClient client(loop_, options_);
  EXPECT_EQ(TextIn(Ask(client)), "Hello");
  EXPECT_EQ(TextIn(Ask(client)), "Hello");
  EXPECT_EQ(server.seen().size(), 3u) << "the second call remembers";
}

TEST_F(ModelTest, ARefusalThatNothingCanBeDoneAboutIsReportedAtOnce) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.ReplyJson(400, R"({"error":{"message":"Invalid temperature, stream_options, developer role, null content"}})");
  });
  EXPECT_EQ(ErrorIn(Ask(server.url())).kind, ModelErrorKind::kBadRequest);
  EXPECT_LE(server.seen().size(), 5u) << "each switch is thrown at most once";
}

TEST_F(ModelTest, AConversationThatIsTooLongIsTheCallersToShorten) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.ReplyJson(400,
                   R"({"error":{"message":"maximum context length is 10 tokens","code":"context_length_exceeded"}})");
  });
  EXPECT_EQ(ErrorIn(Ask(server.url())).kind, ModelErrorKind::kTooLong);
  EXPECT_EQ(server.seen().size(), 1u);
}

TEST_F(ModelTest, RoomForTheAnswerIsGivenUpBeforeTheConversationIsCut) {
  options_.caps.wire = Wire::kAnthropicMessages;
  options_.caps.default_max_tokens = 16'384;
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    if (request.body.find("16384") == std::string::npos) return peer.ReplyEvents(kAnthropicAnswer);
    peer.ReplyJson(400, R"({"type":"error","error":{"type":"invalid_request_error","message":)"
                        R"("input length and `max_tokens` exceed context limit: 190000 + 16384 > 200000"}})");
  });
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello");
}

/// Hands out token 1, then 2, ...
class CountingAccess : public Access {
 public:
  CountingAccess(std::string url, int tokens) : url_(std::move(url)), tokens_(tokens) {}
  std::optional<Failure> Open(const GrantRequest&, Caps&, Grant& grant) override {
    grant = {.base_url = url_, .models_url = "", .headers = {"Authorization: Bearer " + std::to_string(token_)}};
    return std::nullopt;
  }
  bool Renew() override { return ++token_ <= tokens_; }

 private:
  std::string url_;
  int tokens_;
  int token_ = 1;
};

TEST_F(ModelTest, ARefusedTokenIsRenewedOnce) {
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    if (request.head.find("Bearer 1") != std::string::npos) return peer.Reply(401, "", "token expired");
    peer.ReplyEvents(kAnswer);
  });
  options_.access = std::make_shared<CountingAccess>(server.url(), 9);
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello");
  EXPECT_EQ(server.seen().size(), 2u);
  LoopbackServer strict([](const SeenRequest&, Peer& peer) { peer.Reply(401, "", "no"); });
  options_.access = std::make_shared<CountingAccess>(strict.url(), 9);
  EXPECT_EQ(ErrorIn(Ask(strict.url())).kind, ModelErrorKind::kAuth);
  EXPECT_EQ(strict.seen().size(), 2u) << "no loop";
  options_.access = std::make_shared<CountingAccess>(strict.url(), 1);
  EXPECT_EQ(ErrorIn(Ask(strict.url())).kind, ModelErrorKind::kAuth);
  EXPECT_EQ(strict.seen().size(), 3u) << "and no second try with the same token";
}

TEST_F(ModelTest, ALineThatIsOnlyKeptAliveMakesNoProgress) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    for (int i = 0; i < 40 && !peer.closed(); ++i) {
      ::poll(nullptr, 0, 10);
      peer.Send(i % 2 == 0 ? ": keep-alive\n\n" : "data: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n");
    }
    peer.Send(kAnswer);
  });
  options_.retry.attempts = 1;
  options_.deadlines.progress = Milliseconds(80);
  const ModelError error = ErrorIn(Ask(server.url()));
  EXPECT_EQ(error.kind, ModelErrorKind::kDown);
  EXPECT_THAT(error.message, HasSubstr("progress_secs"));
  options_.deadlines.progress = Milliseconds(5000);
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello");
}

TEST_F(ModelTest, ContentOfAnyKindIsProgress) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    for (int i = 0; i < 8; ++i) {
      ::poll(nullptr, 0, 40);
      peer.Send("data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n");
    }
    peer.Send(kAnswer);
  });
  options_.deadlines.progress = Milliseconds(150);
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello");
}

TEST_F(ModelTest, AnAnswerThatNeverEndsIsGivenUpInTheEnd) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    for (int i = 0; i < 30 && !peer.closed(); ++i) {
      ::poll(nullptr, 0, 10);
      peer.Send(kPart);
    }
  });
  with_sink_ = false;
  options_.retry.attempts = 1;
  options_.deadlines.total = Milliseconds(80);
  EXPECT_THAT(ErrorIn(Ask(server.url())).message, HasSubstr("total_secs"));
}

/// Bytes that are resident, all in all (proc_pid_statm(5)).
long ResidentBytes() {
  const auto statm = ReadFile("/proc/self/statm");
  const auto fields = Split(statm.ok() ? *statm : "", ' ');
  return fields.size() < 2 ? 0 : static_cast<long>(ParseInt(fields[1]).value_or(0)) * ::sysconf(_SC_PAGESIZE);
}

int OpenDescriptors() {
  int count = 0;
  for (int fd = 0; fd < 256; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

TEST_F(ModelTest, ManyTurnsNeitherGrowNorOpenMore) {
  // The bound is loose because the server remembers every request, and lives in this process, too.
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.ReplyEvents(kAnswer); });
  options_.endpoint.base_url = server.url();
  HttpModelClient client(loop_, options_);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(TextIn(Ask(client)), "Hello");
  const long before = ResidentBytes();
  const int descriptors = OpenDescriptors();
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(TextIn(Ask(client)), "Hello");
  EXPECT_EQ(OpenDescriptors(), descriptors);
  EXPECT_LT(ResidentBytes() - before, 4 << 20);
  EXPECT_EQ(server.seen().back().connection, 1);
}

TEST_F(ModelTest, AnInterruptionLeaksNoDescriptorInAnyState) {
  LoopbackServer mute([](const SeenRequest&, Peer&) {});
  LoopbackServer half([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + kPart);
  });
  LoopbackServer troubled([](const SeenRequest&, Peer& peer) { peer.ReplyJson(500, "{}"); });
  options_.retry.base = Milliseconds(20'000);
  (void)Ask(mute.url(), Clock::now() + Milliseconds(10));  // whatever is opened once and kept
  ASSERT_TRUE(mute.ClientCloses(1));
  const int before = OpenDescriptors();
  for (int i = 0; i < 3; ++i) {
    ExpectPromptCancel([&] { return Ask(mute.url()); });
    ExpectPromptCancel([&] { return Ask(half.url()); });
    ExpectPromptCancel([&] { return Ask(troubled.url()); });
    ExpectPromptCancel([&] { return Ask("https://127.0.0.1:" + std::to_string(mute.port())); });
  }
  EXPECT_TRUE(mute.ClientCloses(7));
  EXPECT_TRUE(half.ClientCloses(3));
  EXPECT_TRUE(troubled.ClientCloses(3));
  // The servers live in this process, too, and close their ends a moment later.
  for (int i = 0; i < 1000 && OpenDescriptors() > before; ++i) ::poll(nullptr, 0, 1);
  EXPECT_LE(OpenDescriptors(), before);
}

}  // namespace
}  // namespace rune::agent
