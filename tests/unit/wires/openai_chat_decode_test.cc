#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "agent/wires/codec.h"
#include "tests/unit/wires/chat_fixtures.h"
#include "tests/unit/wires/split.h"

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
using testing::HasSubstr;
using testing::IsEmpty;

/// The calls of a stream of these chunks that ends as it should.
std::vector<std::string> CallsOfStream(std::vector<std::string> chunks) {
  chunks.push_back(R"({"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})");
  const Decoded decoded = Decode(Stream(chunks));
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  return CallsIn(decoded);
}

TEST(ChatDecode, TextArrivesInPiecesAndIsWholeAtTheEnd) {
  std::string delivered;
  const Decoded decoded =
      Decode(Stream({Delta(R"("role":"assistant","content":"")"), Content("Hel"), Content("lo"), kStopped}), kEvents,
             &delivered);
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(TextOf(decoded.message), "Hello");
  EXPECT_EQ(delivered, "Hello");
  EXPECT_EQ(decoded.message.role, Role::kAssistant);
  EXPECT_EQ(decoded.message.stop, Stop::kEnd);
}

TEST(ChatDecode, TwoStreamedCallsAreAssembledByIndex) {
  EXPECT_THAT(CallsOfStream({Calls(R"({"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}})"),
                             Calls(R"({"index":0,"function":{"arguments":"{\"x\""}})"),
                             Calls(R"({"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}})"),
                             Calls(R"({"index":1,"function":{"arguments":"{}"}})"),
                             Calls(R"({"index":0,"function":{"arguments":":1}"}})")}),
              ElementsAre(R"(a f{"x":1})", "b g{}"));
}

// the shapes that content comes in.

TEST(ChatDecode, ContentMayBeAListOfPartsAndItsThinkingIsNoText) {
  const Decoded decoded = Decode(Stream(
      {Delta(
           R"("content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"yes"}])"),
       kStopped}));
  EXPECT_EQ(TextOf(decoded.message), "yes");
  ASSERT_EQ(decoded.message.parts.size(), 2u);
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).text, "hm");
}

TEST(ChatDecode, ContentOfAnyOtherTypeIsPassedOver) {
  EXPECT_EQ(TextOf(Decode(Stream({Delta(R"("content":7)"), Delta(R"("content":{})"), Content("x"), kStopped})).message),
            "x");
}

TEST(ChatDecode, MissingNullAndEmptyDeltasAndChoicesAreTolerated) {
  EXPECT_EQ(TextOf(Decode(Stream({R"({"choices":null})", R"({"choices":[]})", R"({})", R"({"choices":[{"index":0}]})",
                                  R"({"choices":[{"index":0,"delta":null}]})",
                                  R"({"choices":[],"id":"","prompt_filter_results":[]})", Content("x"), kStopped}))
                       .message),
            "x");
}

TEST(ChatDecode, AMessageInPlaceOfADeltaIsTaken) {
  EXPECT_EQ(TextOf(Decode(Stream({R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]})"})).message),
            "x");
}

TEST(ChatDecode, TheWholeMessageOnceMoreAtTheEndIsNotTakenTwice) {
  std::string delivered;
  const Decoded decoded = Decode(
      Stream(
          {Content("Hel"), Content("lo"),
           Calls(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}})"),
           R"({"choices":[{"index":0,"message":{"content":"Hello","tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}]},"finish_reason":"stop"}]})"}),
      kEvents, &delivered);
  EXPECT_EQ(TextOf(decoded.message), "Hello");
  EXPECT_EQ(delivered, "Hello");
  EXPECT_THAT(CallsIn(decoded), ElementsAre(R"(a f{"x":1})"));
}

TEST(ChatDecode, DoneWithoutAnyFinishReasonIsAnEnd) {
  const Decoded decoded = Decode(Stream({Content("x")}));
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(decoded.message.stop, Stop::kEnd);
}

TEST(ChatDecode, AFinishReasonWithoutDoneIsAnEnd) {
  EXPECT_EQ(Decode(Stream({Content("x"), kStopped}, "")).fault, StreamFault::kNone);
}

TEST(ChatDecode, AnEndWithNeitherIsTruncated) {
  EXPECT_EQ(Decode(Stream({Content("x")}, "")).fault, StreamFault::kTruncated);
  EXPECT_EQ(Decode("").fault, StreamFault::kTruncated);
}

TEST(ChatDecode, AnEventThatTheEndCutsInHalfIsTruncated) {
  EXPECT_EQ(Decode(Stream({Content("x")}, R"(data: {"choices":[{"del)")).fault, StreamFault::kTruncated);
}

TEST(ChatDecode, ALastEventWithoutItsBlankLineCounts) {
  EXPECT_EQ(Decode("data: " + Content("x") + "\n\ndata: " + kStopped).fault, StreamFault::kNone);
  EXPECT_EQ(Decode("data: " + Content("x") + "\n\ndata: [DONE]").fault, StreamFault::kNone);
}

TEST(ChatDecode, AnEventThatIsNoJsonIsMalformed) {
  EXPECT_EQ(Decode(Stream({Content("x"), "{oops}", kStopped})).fault, StreamFault::kMalformed);
}

TEST(ChatDecode, AnEventMayBeSpreadOverSeveralDataLines) {
  EXPECT_EQ(TextOf(Decode("data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"x\"}}]}\n\ndata: [DONE]\n\n").message),
            "x");
}

TEST(ChatDecode, AnEmptyFinishReasonIsNone) {
  const std::string empty = R"({"choices":[{"delta":{"content":"x"},"finish_reason":""}]})";
  EXPECT_EQ(Decode(Stream({empty}, "")).fault, StreamFault::kTruncated);
  EXPECT_EQ(Decode(Stream({empty, R"({"choices":[{"finish_reason":"length"}]})"})).message.stop, Stop::kLength);
}

TEST(ChatDecode, TheFirstFinishReasonStays) {
  EXPECT_EQ(Decode(Stream({R"({"choices":[{"delta":{"content":"x"},"finish_reason":"length"}]})",
                           R"({"choices":[{"delta":{"content":""},"finish_reason":null}],"usage":{"prompt_tokens":1}})",
                           R"({"choices":[{"delta":{},"finish_reason":"stop"}]})"}))
                .message.stop,
            Stop::kLength);
}

TEST(ChatDecode, NothingBehindDoneCounts) {
  const auto decoder = CodecOf(Wire::kOpenAiChat).decoder(kEvents, {});
  decoder->Feed(Stream({Content("x")}), nullptr);
  EXPECT_TRUE(decoder->settled());
  decoder->Feed(Stream({Content("y"), R"({"error":{"message":"late"}})"}), nullptr);
  EXPECT_EQ(TextOf(decoder->Finish(nullptr).message), "x");
}

TEST(ChatDecode, ThoughtsAreApartFromTextAndTakenFromOneFieldOnly) {
  const Decoded decoded =
      Decode(Stream({Delta(R"("reasoning_content":"so ","reasoning":"so ")"),
                     Delta(R"("reasoning":"it is","reasoning_content":"it is")"), Content("x"), kStopped}));
  EXPECT_EQ(TextOf(decoded.message), "x");
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).text, "so it is");
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).opaque, "");
}

TEST(ChatDecode, AThoughtThatComesAgainUnderAnotherNameIsNotTakenTwice) {
  const Decoded decoded =
      Decode(Stream({Delta(R"("reasoning_content":"so")"), Delta(R"("reasoning":"so")"), Content("x"), kStopped}));
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).text, "so");
}

TEST(ChatDecode, AStrayLineBeforeTheEventsIsPassedOver) {
  EXPECT_EQ(TextOf(Decode("{\"note\":1}\n" + Stream({Content("x"), kStopped})).message), "x");
}

TEST(ChatDecode, ThoughtsBesideCallsAreKeptForTheSameModel) {
  const Decoded decoded = Decode(Stream({Delta(R"("reasoning_content":"so")"),
                                         Calls(R"({"id":"a","function":{"name":"f","arguments":"{}"}})"), kStopped}));
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).opaque, R"({"reasoning_content":"so"})");
}

TEST(ChatDecode, ASignatureBesideACallIsKeptWithIt) {
  const Decoded decoded = Decode(Stream({Calls(R"({"id":"","function":{"name":"f","arguments":"{}"}},
      {"id":"","function":{"name":"g","arguments":"{}"},"extra_content":{"google":{"thought_signature":"S"}}})"),
                                         kStopped}));
  const std::vector<ToolCall> calls = CallsOf(decoded.message);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].opaque, "");
  EXPECT_EQ(calls[1].opaque, R"({"extra_content":{"google":{"thought_signature":"S"}}})");
}

TEST(ChatDecode, ARefusalIsShownAndIsNoNormalEnd) {
  std::string delivered;
  const Decoded decoded =
      Decode(Stream({Delta(R"("content":null,"refusal":"I will ")"), Delta(R"("refusal":"not.")"), kStopped}), kEvents,
             &delivered);
  EXPECT_EQ(decoded.message.stop, Stop::kFiltered);
  EXPECT_EQ(TextOf(decoded.message), "I will not.");
  EXPECT_EQ(delivered, "I will not.");
}

TEST(ChatDecode, AnAnswerWithoutContentIsEmptyAndEndsNormally) {
  const Decoded decoded = Decode(Stream({Delta(R"("content":null)"), kStopped}));
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_THAT(decoded.message.parts, IsEmpty());
}

TEST(ChatDecode, OtherChoicesAreIgnoredAndThoseOfOneIndexMerged) {
  EXPECT_EQ(
      TextOf(Decode(Stream({R"({"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]})",
                            R"({"choices":[{"index":0,"delta":{"content":"c"}},{"index":0,"delta":{"content":"d"}}]})",
                            kStopped}))
                 .message),
      "acd");
}

// what ends a turn, and which calls may run.

TEST(ChatDecode, CallsMakeAToolTurnWhateverTheFinishReasonSays) {
  const std::string call = Calls(R"({"id":"a","function":{"name":"f","arguments":"{}"}})");
  for (const std::string reason : {"stop", "tool_calls", "function_call", "eos", "whatever"}) {
    const Decoded decoded = Decode(Stream({call, R"({"choices":[{"delta":{},"finish_reason":")" + reason + R"("}]})"}));
    EXPECT_EQ(decoded.message.stop, Stop::kToolCalls) << reason;
  }
  EXPECT_EQ(Decode(Stream({Content("x"), R"({"choices":[{"finish_reason":"tool_calls"}]})"})).message.stop, Stop::kEnd);
}

TEST(ChatDecode, CallsOfACutOrFilteredTurnAreDropped) {
  const std::string call = Calls(R"({"id":"a","function":{"name":"f","arguments":"{\"a\":1}"}})");
  for (const std::string reason : {"length", "max_tokens", "content_filter", "sensitive"}) {
    const Decoded decoded = Decode(Stream({call, R"({"choices":[{"delta":{},"finish_reason":")" + reason + R"("}]})"}));
    EXPECT_EQ(decoded.fault, StreamFault::kNone);
    EXPECT_THAT(CallsIn(decoded), IsEmpty()) << reason;
    EXPECT_EQ(decoded.message.stop,
              reason == "content_filter" || reason == "sensitive" ? Stop::kFiltered : Stop::kLength);
  }
}

TEST(ChatDecode, CallsOfATruncatedStreamAreNone) {
  const Decoded decoded = Decode(Stream({Calls(R"({"id":"a","function":{"name":"f","arguments":"{\"a\":1}"}})")}, ""));
  EXPECT_EQ(decoded.fault, StreamFault::kTruncated);
  EXPECT_THAT(decoded.message.parts, IsEmpty());
}

TEST(ChatDecode, CallsThatAreWrittenAsTextStayText) {
  const Decoded decoded = Decode(Stream({Content("<tool_call>{\\\"name\\\":\\\"f\\\"}</tool_call>"), kStopped}));
  EXPECT_THAT(CallsIn(decoded), IsEmpty());
  EXPECT_THAT(TextOf(decoded.message), HasSubstr("<tool_call>"));
}

TEST(ChatDecode, EveryCutAndEveryLineEndGivesTheSameResult) {
  const std::string call = R"({"id":"a","function":{"name":"f","arguments":"{}"}})";
  const std::vector<std::string> streams{
      Stream({Delta(R"("role":"assistant","content":"")"), Content("H\xC3\xA9l"), Content("lo \\ud83d\\ude00"),
              kStopped, R"({"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5}})"}),
      ": OPENROUTER PROCESSING\n\n" +
          Stream(
              {Calls(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}})"),
               Calls(
                   R"({"index":0,"function":{"arguments":":1}"}},{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}})"),
               R"({"choices":[{"delta":{},"finish_reason":"tool_calls"}]})"}),
      Stream({Content("<thi"), Content("nk>hm</th"), Content("ink>\\n\\nyes <think>"), kStopped}),
      Stream({Delta(R"("reasoning_details":[{"type":"reasoning.text","text":"a","index":0}])"), Calls(call), kStopped}),
      Stream({Content("x")}, ""),
      Stream({Content("x"), R"({"error":{"message":"no"}})"}),
      "{\"error\":{\"message\":\"no\"}}\n",
      "event: error\ndata: {\"message\":\"no\"}\n\n"};
  for (const std::string& stream : streams) test::ExpectTheSameHoweverCut(CodecOf(Wire::kOpenAiChat), stream);
  test::ExpectTheSameHoweverCut(CodecOf(Wire::kOpenAiChat),
                                R"({"choices":[{"message":{"content":"H\u00e9"},"finish_reason":"stop"}]})", "");
  test::ExpectTheSameHoweverCut(CodecOf(Wire::kOpenAiChat), "<html><title>no</title>", "");
}

TEST(ChatDecode, NoBytesWhateverMakeItCrash) {
  std::mt19937 random(3);
  const std::string seed =
      Stream({Content("x"), Calls(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"}})"), kStopped});
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = seed;
    for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    Decode(bytes.substr(0, random() % bytes.size()), round % 2 == 0 ? kEvents : "");
  }
}

}  // namespace
}  // namespace rune::agent
