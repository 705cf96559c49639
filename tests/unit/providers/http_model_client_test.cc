#include "tests/unit/providers/model_fixture.h"

namespace rune::agent {
namespace {

TEST_F(ModelTest, AnAnswerComesWithItsUsageAndItsModel) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.ReplyEvents(kAnswer); });
  const ModelOutcome outcome = Ask(server.url() + "/v1/");
  ASSERT_TRUE(std::holds_alternative<ModelReply>(outcome)) << TextIn(outcome);
  const auto& reply = std::get<ModelReply>(outcome);
  EXPECT_EQ(TextOf(reply.message), "Hello");
  EXPECT_EQ(delivered_, "Hello");
  EXPECT_EQ(reply.message.origin, "openai/m");
  EXPECT_EQ(reply.model, "real-m");
  EXPECT_TRUE(reply.usage_known);
  EXPECT_EQ(reply.usage.total(), 9u);
  const SeenRequest request = server.seen().at(0);
  EXPECT_THAT(request.head, AllOf(HasSubstr("POST /v1/chat/completions "), HasSubstr("Authorization: Bearer " + kKey),
                                  HasSubstr("Content-Type: application/json")));
  EXPECT_THAT(request.body, HasSubstr(R"("messages":[{"role":"user","content":"Hi"}]})"));
}

TEST_F(ModelTest, AMissingUsageIsEstimatedAndMarked) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.ReplyEvents(kPart + "data: [DONE]\n\n"); });
  const ModelOutcome outcome = Ask(server.url());
  const auto& reply = std::get<ModelReply>(outcome);
  EXPECT_FALSE(reply.usage_known);
  EXPECT_GT(reply.usage.input, 5u);
  EXPECT_EQ(reply.model, "m");
}

TEST_F(ModelTest, IdsOfCallsAreUniqueInTheConversation) {
  messages_.push_back({.role = Role::kAssistant, .parts = {ToolCall{"a", "f", "{}"}}});
  messages_.push_back({.role = Role::kTool, .parts = {ToolResult{"a", "f", "r"}}});
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.ReplyJson(
        200,
        R"({"choices":[{"message":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]})");
  });
  const ModelOutcome outcome = Ask(server.url());
  EXPECT_EQ(CallsOf(std::get<ModelReply>(outcome).message).at(0).id, "call_2_1");
}

TEST_F(ModelTest, ConnectionsAreKeptFromCallToCall) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.ReplyEvents(kAnswer); });
  options_.endpoint.base_url = server.url();
  HttpModelClient client(loop_, options_);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(TextIn(Ask(client)), "Hello");
  EXPECT_EQ(server.seen().at(2).connection, 1);
}

TEST_F(ModelTest, AnAnswerIsCompleteAtItsMarkerAlthoughTheConnectionStaysOpen) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + kAnswer);
  });
  const TimePoint start = Clock::now();
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello");
  EXPECT_LT(Clock::now() - start, Milliseconds(500));
}

TEST_F(ModelTest, AResetBehindTheMarkerDoesNotSpoilTheAnswer) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string events = kPart + "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n";
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", events.size());
    peer.Send(size + events + "\r\n");
    peer.Close();
  });
  EXPECT_EQ(TextIn(Ask(server.url())), "Hel");
}

TEST_F(ModelTest, ATroubledServerIsAskedAgain) {
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    if (request.number < 3) return peer.ReplyJson(500, R"({"error":{"message":"oops"}})");
    peer.ReplyEvents(kAnswer);
  });
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello");
  EXPECT_EQ(server.seen().size(), 3u);
  EXPECT_EQ(server.seen()[0].body, server.seen()[2].body);
}

TEST_F(ModelTest, ButNotForEver) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.ReplyJson(503, R"({"error":{"message":"oops"}})"); });
  const ModelError error = ErrorIn(Ask(server.url()));
  EXPECT_EQ(error.kind, ModelErrorKind::kDown);
  EXPECT_THAT(error.message, AllOf(HasSubstr("oops"), HasSubstr("after 4 attempts")));
  EXPECT_EQ(server.seen().size(), 4u);
}

TEST_F(ModelTest, AWrongKeyIsNotTriedTwice) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.ReplyJson(401, R"({"error":{"message":"Incorrect API key provided: )" + kKey + R"("}})");
  });
  const ModelError error = ErrorIn(Ask(server.url()));
  EXPECT_EQ(error.kind, ModelErrorKind::kAuth);
  EXPECT_EQ(server.seen().size(), 1u);
}

TEST_F(ModelTest, ARateLimitIsWaitedOutAsTheServerAsks) {
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    if (request.number == 1) return peer.Reply(429, "retry-after-ms: 50\r\n", "");
    peer.ReplyEvents(kAnswer);
  });
  const TimePoint start = Clock::now();
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello");
  EXPECT_GE(Clock::now() - start, Milliseconds(50));
}

TEST_F(ModelTest, AnOverlongRateLimitIsReportedAtOnce) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Reply(429, "Retry-After: 300\r\n", ""); });
  const ModelError error = ErrorIn(Ask(server.url()));
  EXPECT_EQ(error.kind, ModelErrorKind::kRate);
  EXPECT_THAT(error.message, HasSubstr("asks to wait 300 s"));
  EXPECT_EQ(server.seen().size(), 1u);
}

TEST_F(ModelTest, ACutStreamIsAskedAgainWhenNothingWasShown) {
  with_sink_ = false;
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    if (request.number == 1) return peer.ReplyEvents(kPart);  // ends properly, but without the marker
    peer.ReplyEvents(kAnswer);
  });
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello");
}

TEST_F(ModelTest, ACutStreamIsAFailureWhenSomeOfItWasShown) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.ReplyEvents(kPart); });
  const ModelError error = ErrorIn(Ask(server.url()));
  EXPECT_EQ(error.kind, ModelErrorKind::kProtocol);
  EXPECT_EQ(delivered_, "Hel");
  EXPECT_EQ(server.seen().size(), 1u);
}

TEST_F(ModelTest, AResetInTheMiddleIsDownAndNotAProtocolError) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n" + kPart);
    ::poll(nullptr, 0, 20);
    peer.Reset();
  });
  EXPECT_EQ(ErrorIn(Ask(server.url())).kind, ModelErrorKind::kDown);
}

TEST_F(ModelTest, AnErrorInTheMiddleOfAStreamIsAnError) {
  with_sink_ = false;
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    if (request.number == 1)
      return peer.ReplyEvents(kPart + "data: {\"error\":{\"code\":502,\"message\":\"upstream\"}}\n\n");
    peer.ReplyEvents(kAnswer);
  });
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello");
}

TEST_F(ModelTest, AnEmptyAnswerIsAskedForOnceMore) {
  LoopbackServer server(
      [](const SeenRequest& request, Peer& peer) { peer.ReplyEvents(request.number == 1 ? kEmptyAnswer : kAnswer); });
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello");
  LoopbackServer mute([](const SeenRequest&, Peer& peer) { peer.ReplyEvents(kEmptyAnswer); });
  const ModelError error = ErrorIn(Ask(mute.url()));
  EXPECT_EQ(error.kind, ModelErrorKind::kProtocol);
  EXPECT_THAT(error.message, HasSubstr("empty answer"));
  EXPECT_EQ(mute.seen().size(), 2u);
}

TEST_F(ModelTest, AnAnswerThatTheLengthLimitLeftEmptyIsNotAskedAgain) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.ReplyEvents("data: {\"choices\":[{\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n");
  });
  const ModelOutcome outcome = Ask(server.url());
  EXPECT_EQ(std::get<ModelReply>(outcome).message.stop, Stop::kLength);
  EXPECT_EQ(server.seen().size(), 1u);
}

TEST_F(ModelTest, AWebPageIsAskedAgainOnceAndThenNamed) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Reply(200, "Content-Type: text/html\r\n", "<html><title>Sign in</title></html>");
  });
  const ModelError error = ErrorIn(Ask(server.url()));
  EXPECT_EQ(error.kind, ModelErrorKind::kProtocol);
  EXPECT_THAT(error.message, HasSubstr("Sign in"));
  EXPECT_EQ(server.seen().size(), 2u);
}

TEST_F(ModelTest, ARedirectIsRefusedAndTheKeyStaysHere) {
  LoopbackServer thief([](const SeenRequest&, Peer& peer) { peer.ReplyEvents(kAnswer); });
  LoopbackServer server(
      [&](const SeenRequest&, Peer& peer) { peer.Reply(302, "Location: " + thief.url() + "\r\n", ""); });
  const ModelError error = ErrorIn(Ask(server.url()));
  EXPECT_EQ(error.kind, ModelErrorKind::kBadRequest);
  EXPECT_THAT(error.message, HasSubstr(thief.url()));
  EXPECT_TRUE(thief.seen().empty());
}

TEST_F(ModelTest, ARefusedConnectionNamesTheAddress) {
  const std::string port = std::to_string(test::UnusedPort());
  const ModelError error = ErrorIn(Ask("http://127.0.0.1:" + port));
  EXPECT_EQ(error.kind, ModelErrorKind::kDown);
  EXPECT_THAT(error.message, AllOf(HasSubstr("127.0.0.1:" + port), HasSubstr("base_url")));
}

TEST_F(ModelTest, AServerThatSaysNothingIsDownAtTheFirstByteLimit) {
  LoopbackServer server([](const SeenRequest&, Peer&) {});
  options_.deadlines.first_byte = Milliseconds(40);
  options_.retry.attempts = 1;
  const ModelError error = ErrorIn(Ask(server.url()));
  EXPECT_EQ(error.kind, ModelErrorKind::kDown);
  EXPECT_THAT(error.message, HasSubstr("no byte"));
}

TEST_F(ModelTest, TheRunsDeadlineEndsEverything) {
  LoopbackServer hanging([](const SeenRequest&, Peer&) {});
  EXPECT_EQ(ErrorIn(Ask(hanging.url(), Clock::now() + Milliseconds(40))).kind, ModelErrorKind::kDeadline);
  options_.retry.base = Milliseconds(20'000);
  LoopbackServer troubled([](const SeenRequest&, Peer& peer) { peer.ReplyJson(500, "{}"); });
  const TimePoint start = Clock::now();
  EXPECT_EQ(ErrorIn(Ask(troubled.url(), Clock::now() + Milliseconds(2000))).kind, ModelErrorKind::kDeadline);
  EXPECT_LT(Clock::now() - start, Milliseconds(1000));  // it does not wait for what cannot come in time
}

TEST_F(ModelTest, AnInterruptionEndsTheWaitForTheFirstByte) {
  LoopbackServer server([](const SeenRequest&, Peer&) {});
  ExpectPromptCancel([&] { return Ask(server.url()); });
  EXPECT_TRUE(server.ClientCloses(1));
}

TEST_F(ModelTest, AnInterruptionEndsAStreamThatHangs) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + kPart);
  });
  ExpectPromptCancel([&] { return Ask(server.url()); });
  EXPECT_EQ(delivered_, "Hel");
}

TEST_F(ModelTest, AnInterruptionEndsATlsHandshake) {
  LoopbackServer server([](const SeenRequest&, Peer&) {});
  ExpectPromptCancel([&] { return Ask("https://127.0.0.1:" + std::to_string(server.port())); });
}

TEST_F(ModelTest, AnInterruptionEndsTheWaitBetweenAttempts) {
  options_.retry.base = Milliseconds(20'000);
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.ReplyJson(500, "{}"); });
  ExpectPromptCancel([&] { return Ask(server.url()); });
}

TEST_F(ModelTest, AnInterruptedRunAsksNobody) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.ReplyEvents(kAnswer); });
  loop_.Interrupt(15);
  EXPECT_EQ(ErrorIn(Ask(server.url())).kind, ModelErrorKind::kCancelled);
  EXPECT_TRUE(server.seen().empty());
}

}  // namespace
}  // namespace rune::agent
