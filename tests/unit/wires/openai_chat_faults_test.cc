/// The rest of what a chat server may send: usage, errors inside a 200, and what is no stream at all.

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "agent/wires/codec.h"
#include "tests/unit/wires/chat_fixtures.h"

namespace rune::agent {
namespace {

using test::Calls;
using test::CallsIn;
using test::Content;
using test::Decode;
using test::Delta;
using test::kEvents;
using test::kStopped;
using test::Stream;
using testing::ElementsAre;

// usage.

TEST(ChatDecode, UsageIsFoundWhereverItComes) {
  const std::string usage = R"({"prompt_tokens":10,"completion_tokens":5,"total_tokens":15})";
  const std::vector<std::string> places{
      R"({"choices":[],"usage":)" + usage + "}",
      R"({"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}],"usage":)" + usage + "}",
      R"({"choices":[{"index":0,"delta":{},"usage":)" + usage + "}]}",
      R"({"choices":[],"x_groq":{"usage":)" + usage + "}}"};
  for (const std::string& place : places) {
    const Decoded decoded = Decode(Stream({Content("x"), kStopped, place}));
    EXPECT_TRUE(decoded.usage_known) << place;
    EXPECT_EQ(decoded.usage.input, 10u) << place;
    EXPECT_EQ(decoded.usage.output, 5u) << place;
  }
}

TEST(ChatDecode, TheLastUsageReplacesTheOnesBefore) {
  const Decoded decoded = Decode(Stream({R"({"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":1}})",
                                         R"({"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":7}})",
                                         R"({"choices":[],"usage":null})", Content("x"), kStopped}));
  EXPECT_EQ(decoded.usage.output, 7u);
}

TEST(ChatDecode, OddCountsNeverFailTheRun) {
  const Decoded decoded =
      Decode(Stream({R"({"choices":[],"usage":{"prompt_tokens":"12","completion_tokens":-3,"total_tokens":null,
      "prompt_tokens_details":{"cached_tokens":99},"completion_tokens_details":{"reasoning_tokens":5.0}}})"}),
             kEvents);
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(decoded.usage.input, 12u);
  EXPECT_EQ(decoded.usage.cached, 12u);
  EXPECT_EQ(decoded.usage.output, 0u);
  EXPECT_EQ(decoded.usage.reasoning, 0u);
}

TEST(ChatDecode, AUsageWithoutCountsIsUnknown) {
  EXPECT_FALSE(Decode(Stream({R"({"choices":[],"usage":{}})", Content("x"), kStopped})).usage_known);
  EXPECT_FALSE(Decode(Stream({Content("x"), kStopped})).usage_known);
}

TEST(ChatDecode, ReasoningThatOnlyTheTotalCountsIsOutput) {
  EXPECT_EQ(Decode(Stream({R"({"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":26,"total_tokens":523}})"}))
                .usage.output,
            513u);
}

TEST(ChatDecode, CachedTokensHaveTwoNames) {
  EXPECT_EQ(
      Decode(Stream({R"({"choices":[],"usage":{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":8}}})"}))
          .usage.cached,
      8u);
  EXPECT_EQ(Decode(Stream({R"({"choices":[],"usage":{"prompt_tokens":10,"prompt_cache_hit_tokens":6}})"})).usage.cached,
            6u);
}

TEST(ChatDecode, WhatTheCacheTookInIsCounted) {
  EXPECT_EQ(
      Decode(
          Stream({R"({"choices":[],"usage":{"prompt_tokens":10,"prompt_tokens_details":{"cache_write_tokens":7}}})"}))
          .usage.cache_write,
      7u);
}

TEST(ChatDecode, TheModelIsAsTheServerNamesIt) {
  EXPECT_EQ(Decode(Stream({R"({"model":"gpt-x-2026","choices":[]})", Content("x"), kStopped})).model, "gpt-x-2026");
}

// errors inside a 200.

TEST(ChatDecode, AnErrorMemberIsAnErrorWhateverElseIsThere) {
  const std::vector<std::string> chunks{
      R"({"error":{"message":"Token limit reached","code":429},"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]})",
      R"({"error":"Token limit reached"})",
      R"({"choices":[{"error":{"message":"Token limit reached"},"finish_reason":"error"}]})"};
  for (const std::string& chunk : chunks) {
    const Decoded decoded = Decode(Stream({Content("a"), chunk, kStopped}));
    EXPECT_EQ(decoded.fault, StreamFault::kServerError) << chunk;
    EXPECT_EQ(decoded.error.message, "Token limit reached") << chunk;
  }
  EXPECT_EQ(Decode(Stream({Content("a"), R"({"error":null,"choices":[]})", kStopped})).fault, StreamFault::kNone);
}

TEST(ChatDecode, AnErrorEventIsAnErrorWhateverItsShape) {
  const Decoded decoded = Decode("event: error\ndata: {\"message\":\"overloaded\"}\n\n");
  EXPECT_EQ(decoded.fault, StreamFault::kServerError);
  EXPECT_EQ(decoded.error.message, "overloaded");
  EXPECT_EQ(Decode("event: error\ndata: {\"x\":1}\n\ndata: [DONE]\n\n").fault, StreamFault::kServerError);
}

TEST(ChatDecode, AFinishReasonOfErrorIsAnError) {
  for (const std::string reason : {"error", "insufficient_system_resource"}) {
    EXPECT_EQ(Decode(Stream({Content("a"), R"({"choices":[{"finish_reason":")" + reason + R"("}]})"})).fault,
              StreamFault::kServerError)
        << reason;
  }
}

TEST(ChatDecode, AWindowThatIsFullAsksForAShorterConversation) {
  const Decoded decoded =
      Decode(Stream({Content("x"), R"({"choices":[{"delta":{},"finish_reason":"model_context_window_exceeded"}]})"}));
  EXPECT_EQ(decoded.fault, StreamFault::kServerError);
  EXPECT_EQ(decoded.error.code, "context_length_exceeded");
}

TEST(ChatDecode, AnErrorThatTheServerForgotToFrameIsFound) {
  const Decoded decoded = Decode("{\"error\":{\"message\":\"no\",\"code\":503}}\n");
  EXPECT_EQ(decoded.fault, StreamFault::kServerError);
  EXPECT_EQ(decoded.error.status, 503);
}

// not a stream at all.

TEST(ChatDecode, AWholeBodyIsTakenAlthoughAStreamWasAskedFor) {
  std::string delivered;
  const std::string body =
      R"( {"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","tool_calls":[
      {"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{\"x\":[]}"}}]},
      "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":2}})";
  for (const std::string type : {"application/json", "", "text/plain"}) {
    delivered.clear();
    const Decoded decoded = Decode(body, type, &delivered);
    EXPECT_EQ(decoded.fault, StreamFault::kNone);
    EXPECT_EQ(delivered, "Hi");
    EXPECT_THAT(CallsIn(decoded), ElementsAre("a f{}", R"(b g{"x":[]})"));
    EXPECT_EQ(decoded.usage.input, 3u);
  }
}

TEST(ChatDecode, AWholeBodyNeedsNoFinishReason) {
  EXPECT_EQ(TextOf(Decode(R"({"choices":[{"message":{"content":"x"}}]})", "application/json").message), "x");
}

TEST(ChatDecode, EventsAreTakenAlthoughTheTypeSaysJson) {
  EXPECT_EQ(TextOf(Decode(Stream({Content("x"), kStopped}), "application/json").message), "x");
}

TEST(ChatDecode, ACutWholeBodyIsTruncated) {
  EXPECT_EQ(Decode(R"({"choices":[{"message":{"content":"x")", "application/json").fault, StreamFault::kTruncated);
}

TEST(ChatDecode, AWholeBodyWithoutChoicesIsMalformed) {
  EXPECT_EQ(Decode(R"({"models":[]})", "application/json").fault, StreamFault::kMalformed);
}

TEST(ChatDecode, AWholeErrorIsAnErrorAlsoInsideAnArray) {
  EXPECT_EQ(Decode(R"([{"error":{"code":400,"message":"bad"}}])", "application/json").error.status, 400);
  EXPECT_EQ(Decode(R"({"object":"error","message":"bad","code":404})", "application/json").error.status, 404);
}

TEST(ChatDecode, AWebPageIsAPage) {
  EXPECT_EQ(Decode("\n<!doctype html><title>Login</title>", "text/html").fault, StreamFault::kHtml);
  EXPECT_EQ(Decode("<html>", "text/event-stream").fault, StreamFault::kHtml);
}

TEST(ChatDecode, AnAnswerBeyondTheLimitIsRefused) {
  const auto decoder = CodecOf(Wire::kOpenAiChat).decoder(kEvents, {.max_text_bytes = 10});
  for (int i = 0; i < 4; ++i) decoder->Feed("data: " + Content("12345") + "\n\n", nullptr);
  EXPECT_EQ(decoder->Finish(nullptr).fault, StreamFault::kTooLarge);
  const auto whole = CodecOf(Wire::kOpenAiChat).decoder("application/json", {.max_body_bytes = 100});
  whole->Feed("{" + std::string(200, ' '), nullptr);
  EXPECT_EQ(whole->Finish(nullptr).fault, StreamFault::kTooLarge);
}

}  // namespace
}  // namespace rune::agent
