#include "agent/wires/openai_chat_reasoning.h"

#include <gmock/gmock.h>

#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "tests/unit/wires/chat_fixtures.h"
#include "tests/unit/wires/split.h"

namespace rune::agent {
namespace {

using test::Calls;
using test::Content;
using test::Decode;
using test::Delta;
using test::kEvents;
using test::kStopped;
using test::Stream;
using testing::HasSubstr;

const std::string kCall = R"({"id":"a","function":{"name":"f","arguments":"{}"}})";

Reasoning ThoughtOf(const Decoded& decoded) {
  for (const Part& part : decoded.message.parts) {
    if (const auto* const reasoning = std::get_if<Reasoning>(&part)) return *reasoning;
  }
  return {};
}

// thoughts in the text.

TEST(ThinkTags, ThoughtsAtTheBeginningOfTheTextAreNoText) {
  std::string delivered;
  const Decoded decoded = Decode(Stream({Content("<th"), Content("ink>\\nhm"), Content("\\n</thi"), Content("nk>\\n"),
                                         Content("\\nyes"), kStopped}),
                                 kEvents, &delivered);
  EXPECT_EQ(TextOf(decoded.message), "yes");
  EXPECT_EQ(delivered, "yes");
  EXPECT_EQ(ThoughtOf(decoded).text, "\nhm\n");
  EXPECT_EQ(ThoughtOf(decoded).opaque, "") << "it must not go back";
}

TEST(ThinkTags, ATagLaterInTheTextIsText) {
  EXPECT_EQ(TextOf(Decode(Stream({Content("a <think>b</think>"), kStopped})).message), "a <think>b</think>");
  EXPECT_EQ(TextOf(Decode(Stream({Content("<think>a</think>b <think>c</think>"), kStopped})).message),
            "b <think>c</think>");
}

TEST(ThinkTags, WhatOnlyBeginsLikeATagIsText) {
  for (const std::string text : {"<", "<thi", "<thin air", " <b>", "<thinking>x"}) {
    std::string delivered;
    EXPECT_EQ(TextOf(Decode(Stream({Content(text), kStopped}), kEvents, &delivered).message), text);
    EXPECT_EQ(delivered, text);
  }
}

TEST(ThinkTags, AThoughtThatNeverEndsIsShownAsText) {
  EXPECT_EQ(TextOf(Decode(Stream({Content("<think>a"), Content("b"), kStopped})).message), "<think>ab");
}

TEST(ThinkTags, AThoughtAloneIsAnEmptyAnswer) {
  const Decoded decoded = Decode(Stream({Content("<think>a</think>\\n"), kStopped}));
  EXPECT_EQ(TextOf(decoded.message), "");
  EXPECT_EQ(ThoughtOf(decoded).text, "a");
}

TEST(ThinkTags, BlanksBeforeAThoughtAndBehindItAreDropped) {
  std::string delivered;
  const Decoded decoded = Decode(Stream({Content("  "), Content("\\n <think>"), Content("a</think> "), Content("\\n"),
                                         Content(" "), Content(" x "), kStopped}),
                                 kEvents, &delivered);
  EXPECT_EQ(delivered, "x ");
  EXPECT_EQ(ThoughtOf(decoded).text, "a");
}

/// CPU time in seconds: whoever else is on the machine does not count.
double SecondsOf(const std::function<void()>& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// A million characters. Looked at anew with each piece, they are minutes; looked at once, milliseconds.
TEST(ThinkTags, BlanksInManyPiecesAreLookedAtOnce) {
  for (const std::string before : {"", "<think>", "<think>a</think>"}) {
    std::string delivered;
    const auto sink = [&](std::string_view text) { delivered += text; };
    ThinkSplitter splitter;
    splitter.Feed(before, sink);
    EXPECT_LT(SecondsOf([&] {
                for (int i = 0; i < 125'000; ++i) splitter.Feed("        ", sink);
              }),
              5)
        << before;
    splitter.Feed("x", sink);
    splitter.Finish(sink);
    EXPECT_EQ(delivered, before == "<think>a</think>" ? "x" : before + std::string(1'000'000, ' ') + "x");
  }
}

TEST(ThinkTags, AThoughtMayNotOutgrowTheLimit) {
  const auto decoder = CodecOf(Wire::kOpenAiChat).decoder(kEvents, {.max_text_bytes = 100});
  decoder->Feed(Stream({Content("<think>")}, ""), nullptr);
  for (int i = 0; i < 30; ++i) decoder->Feed(Stream({Content("12345")}, ""), nullptr);
  EXPECT_EQ(decoder->Finish(nullptr).fault, StreamFault::kTooLarge);
}

// the fields that thoughts come in.

TEST(ChatThoughts, TheyComeUnderManyNames) {
  for (const std::string field : {"reasoning_content", "reasoning", "reasoning_text", "cot_summary"}) {
    const Decoded decoded = Decode(Stream({Delta("\"" + field + R"(":"so")"), Content("x"), kStopped}));
    EXPECT_EQ(ThoughtOf(decoded).text, "so") << field;
    EXPECT_EQ(ThoughtOf(decoded).opaque, "") << field;
  }
}

TEST(ChatThoughts, MistralsListIsNeitherTextNorLost) {
  const Decoded decoded = Decode(Stream(
      {Delta(R"("content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}]}])"),
       Delta(R"("content":[{"type":"thinking","thinking":[{"type":"text","text":"b"}]},{"type":"text","text":"x"}])"),
       Content("y"), kStopped}));
  EXPECT_EQ(ThoughtOf(decoded).text, "ab");
  EXPECT_EQ(TextOf(decoded.message), "xy");
}

TEST(ChatThoughts, ASealGoesBackWithItsText) {
  const Decoded decoded = Decode(Stream({Delta(R"("reasoning_text":"so ")"), Delta(R"("reasoning_text":"it is")"),
                                         Delta(R"("reasoning_opaque":"SEAL")"), Content("x"), kStopped}));
  EXPECT_EQ(ThoughtOf(decoded).opaque, R"({"reasoning_text":"so it is","reasoning_opaque":"SEAL"})");
}

TEST(ChatThoughts, DetailsAreJoinedByPlaceAndTypeAndKeepEveryMember) {
  const auto details = [](const std::string& list) {
    return Delta(R"("content":"","reasoning_details":[)" + list + "]");
  };
  const Decoded decoded = Decode(Stream(
      {details(R"({"type":"reasoning.text","text":"I ","format":"anthropic-claude-v1","index":0})"),
       details(R"({"type":"reasoning.text","text":"look","format":"anthropic-claude-v1","index":0})"),
       details(R"({"type":"reasoning.summary","summary":"s","index":1})"),
       details(R"({"type":"reasoning.text","text":"!","index":0})"),
       details(R"({"type":"reasoning.text","signature":"SIG","index":0,"x":{"y":1}})"),
       details(
           R"({"type":"reasoning.encrypted","data":"E1","id":"a","index":2},{"type":"reasoning.encrypted","data":"E2","id":"b","index":2})"),
       Calls(kCall), kStopped}));
  EXPECT_EQ(
      ThoughtOf(decoded).opaque,
      R"({"reasoning_details":[)"
      R"({"type":"reasoning.text","text":"I look!","format":"anthropic-claude-v1","index":0,"signature":"SIG","x":{"y":1}},)"
      R"({"type":"reasoning.summary","summary":"s","index":1},)"
      R"({"type":"reasoning.encrypted","data":"E1","id":"a","index":2},)"
      R"({"type":"reasoning.encrypted","data":"E2","id":"b","index":2}]})");
}

std::string DetailsOf(const std::vector<std::string>& pieces) {
  std::vector<std::string> chunks;
  for (const std::string& piece : pieces) chunks.push_back(Delta(R"("reasoning_details":[)" + piece + "]"));
  chunks.push_back(kStopped);
  return ThoughtOf(Decode(Stream(chunks))).opaque;
}

TEST(ChatThoughts, DetailsOfOneTypeAreToldApartByTheirPlace) {
  EXPECT_EQ(
      DetailsOf({R"({"type":"reasoning.text","text":"a","index":0})",
                 R"({"type":"reasoning.text","text":"x","index":1})",
                 R"({"type":"reasoning.text","text":"b","index":0})"}),
      R"({"reasoning_details":[{"type":"reasoning.text","text":"ab","index":0},{"type":"reasoning.text","text":"x","index":1}]})");
}

TEST(ChatThoughts, DetailsOfOnePlaceAreToldApartByTheirType) {
  EXPECT_EQ(
      DetailsOf({R"({"type":"reasoning.text","text":"a","index":0})",
                 R"({"type":"reasoning.summary","summary":"s","index":0})"}),
      R"({"reasoning_details":[{"type":"reasoning.text","text":"a","index":0},{"type":"reasoning.summary","summary":"s","index":0}]})");
}

TEST(ChatThoughts, SealedDetailsAreNeverJoined) {
  EXPECT_EQ(
      DetailsOf({R"({"type":"reasoning.encrypted","data":"A","index":0})",
                 R"({"type":"reasoning.encrypted","data":"B","index":0})"}),
      R"({"reasoning_details":[{"type":"reasoning.encrypted","data":"A","index":0},{"type":"reasoning.encrypted","data":"B","index":0}]})");
}

TEST(ChatThoughts, ANullInALaterPieceErasesNothing) {
  EXPECT_EQ(DetailsOf({R"({"type":"reasoning.text","text":"a","signature":"S","index":0})",
                       R"({"type":"reasoning.text","text":"b","signature":null,"index":0})"}),
            R"({"reasoning_details":[{"type":"reasoning.text","text":"ab","signature":"S","index":0}]})");
}

TEST(ChatThoughts, DetailsMayNotOutgrowTheLimit) {
  const auto decoder = CodecOf(Wire::kOpenAiChat).decoder(kEvents, {.max_text_bytes = 500});
  const std::string piece = Delta(R"("reasoning_details":[{"type":"reasoning.encrypted","data":"12345"}])");
  for (int i = 0; i < 30; ++i) decoder->Feed(Stream({piece}, ""), nullptr);
  EXPECT_EQ(decoder->Finish(nullptr).fault, StreamFault::kTooLarge);
}

TEST(ChatThoughts, DetailsBesideTheirTextAreNotReadTwice) {
  const Decoded decoded = Decode(Stream(
      {Delta(R"("reasoning":"so","reasoning_details":[{"type":"reasoning.text","text":"so","index":0}])"), kStopped}));
  EXPECT_EQ(ThoughtOf(decoded).text, "so");
  const Decoded alone =
      Decode(Stream({Delta(R"("reasoning_details":[{"type":"reasoning.text","text":"so","index":0}])"), kStopped}));
  EXPECT_EQ(ThoughtOf(alone).text, "so");
}

TEST(ChatThoughts, OddDetailsAreTolerated) {
  const Decoded decoded = Decode(
      Stream({Delta(R"("reasoning_details":[7,null,"x",{},{"type":"reasoning.text","text":null,"signature":null}])"),
              Delta(R"("reasoning_details":{"type":"reasoning.text"})"), Content("x"), kStopped}));
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  const auto state = json::Document::Parse(ThoughtOf(decoded).opaque);
  EXPECT_TRUE(state.ok()) << ThoughtOf(decoded).opaque;
}

TEST(ChatThoughts, WhatCameBackIsWhatIsSent) {
  const Decoded decoded =
      Decode(Stream({Delta(R"("reasoning_details":[{"type":"reasoning.text","text":"so \"it\" is","index":0}])"),
                     Delta(R"("reasoning_details":[{"type":"reasoning.text","signature":"a/b+c=","index":0}])"),
                     Calls(kCall), kStopped}));
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi"), decoded.message};
  const std::vector<ToolSpec> tools;
  EXPECT_THAT(
      CodecOf(Wire::kOpenAiChat).encode("m", {.messages = messages, .tools = tools, .options = {}}, {}).body,
      HasSubstr(
          R"("reasoning_details":[{"type":"reasoning.text","text":"so \"it\" is","index":0,"signature":"a/b+c="}],"tool_calls")"));
}

}  // namespace
}  // namespace rune::agent
