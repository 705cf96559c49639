#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "agent/wires/codec.h"
#include "tests/unit/wires/anthropic_fixtures.h"
#include "tests/unit/wires/split.h"

namespace rune::agent {
namespace {

using test::CallsIn;
using test::Show;
using test::anthropic::Args;
using test::anthropic::Block;
using test::anthropic::Call;
using test::anthropic::Decode;
using test::anthropic::Delta;
using test::anthropic::End;
using test::anthropic::EndOf;
using test::anthropic::Event;
using test::anthropic::kEvents;
using test::anthropic::kStop;
using test::anthropic::kThinking;
using test::anthropic::Say;
using test::anthropic::Signature;
using test::anthropic::Start;
using test::anthropic::Words;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(AnthropicDecode, TextArrivesInPiecesAndIsWholeAtTheEnd) {
  std::string delivered;
  const Decoded decoded =
      Decode(Start() + Event(R"({"type":"ping"})") + Block(0, R"({"type":"text","text":""})") + Words("Hel") +
                 Event(R"({"type": "ping"})") + Words("lo") + EndOf(0) + End("end_turn"),
             kEvents, &delivered);
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(TextOf(decoded.message), "Hello");
  EXPECT_EQ(delivered, "Hello");
  EXPECT_EQ(decoded.message.role, Role::kAssistant);
  EXPECT_EQ(decoded.message.stop, Stop::kEnd);
  EXPECT_EQ(decoded.model, "claude-x");
}

TEST(AnthropicDecode, CallsAreAssembledFromTheirPieces) {
  const Decoded decoded = Decode(
      Start() + Say("ok") + Block(1, R"({"type":"tool_use","id":"toolu_1","name":"f","input":{}})") + Args(1, "") +
      Args(1, R"({\"x\")") + Args(1, ":1}") + EndOf(1) + Call(2, "toolu_2", "{}") + End("tool_use"));
  EXPECT_THAT(CallsIn(decoded), ElementsAre(R"(toolu_1 f{"x":1})", "toolu_2 f{}"));
  EXPECT_EQ(decoded.message.stop, Stop::kToolCalls);
}

TEST(AnthropicDecode, BlocksMayInterleaveByIndex) {
  EXPECT_THAT(
      CallsIn(Decode(Start() + Block(0, R"({"type":"tool_use","id":"a","name":"f","input":{}})") +
                     Block(1, R"({"type":"tool_use","id":"b","name":"g","input":{}})") + Args(1, R"({\"y\":)") +
                     Args(0, R"({\"x\":)") + Args(1, "2}") + Args(0, "1}") + EndOf(1) + EndOf(0) + End("tool_use"))),
      ElementsAre(R"(a f{"x":1})", R"(b g{"y":2})"));
}

TEST(AnthropicDecode, ACallWithoutArgumentsHasAnEmptyObject) {
  EXPECT_THAT(CallsIn(Decode(Start() + Call(0, "a", "") + Block(1, R"({"type":"tool_use","id":"b","name":"f"})") +
                             EndOf(1) + End("tool_use"))),
              ElementsAre("a f{}", "b f{}"));
}

TEST(AnthropicDecode, ArgumentsThatComeWithTheBeginningOfABlockCount) {
  EXPECT_THAT(CallsIn(Decode(Start() + Block(0, R"({"type":"tool_use","id":"a","name":"f","input":{"x":1}})") +
                             EndOf(0) + End("tool_use"))),
              ElementsAre(R"(a f{"x":1})"));
}

TEST(AnthropicDecode, SpacesBeforeTheClosingBraceDoNotMatter) {
  EXPECT_EQ(TextOf(Decode("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}      "
                          "}\n\n" +
                          Say("x") + End("end_turn"))
                       .message),
            "x");
}

TEST(AnthropicDecode, UnknownEventsBlocksAndDeltasArePassedOver) {
  EXPECT_EQ(
      TextOf(Decode(Start() + Event(R"({"type":"news","index":0})") + Block(0, R"({"type":"hologram","text":"no"})") +
                    Delta(0, R"({"type":"text_delta","text":"no"})") + Block(1, R"({"type":"text","text":""})") +
                    Delta(1, R"({"type":"citations_delta","citation":{}})") + Words("x", 1) +
                    Delta(1, R"({"type":"smell_delta","text":"no"})") + End("end_turn"))
                 .message),
      "x");
}

// thoughts, which go back as they came.

TEST(AnthropicDecode, AThoughtIsKeptWithItsSignatureInItsPlace) {
  const Decoded decoded =
      Decode(Start() + kThinking + Signature("S==") + EndOf(0) + Say("x", 1) + Call(2, "a", "{}") + End("tool_use"));
  ASSERT_THAT(decoded.message.parts, SizeIs(3));
  const auto& thought = std::get<Reasoning>(decoded.message.parts[0]);
  EXPECT_EQ(thought.text, R"(so it "is")");
  EXPECT_EQ(thought.opaque, R"({"type":"thinking","thinking":"so it \"is\"","signature":"S=="})");
  EXPECT_TRUE(std::holds_alternative<Text>(decoded.message.parts[1]));
  EXPECT_TRUE(std::holds_alternative<ToolCall>(decoded.message.parts[2]));
  EXPECT_EQ(TextOf(decoded.message), "x");
}

TEST(AnthropicDecode, ASignatureThatComesTwiceIsNotDoubled) {
  const Decoded decoded =
      Decode(Start() + kThinking + Signature("S") + Signature("S") + EndOf(0) + Say("x", 1) + End("end_turn"));
  EXPECT_THAT(std::get<Reasoning>(decoded.message.parts[0]).opaque, HasSubstr(R"("signature":"S"})"));
}

TEST(AnthropicDecode, AThoughtWithoutASignatureHasNoState) {
  const Decoded decoded = Decode(Start() + kThinking + EndOf(0) + Say("x", 1) + End("end_turn"));
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).opaque, "");
}

TEST(AnthropicDecode, ARedactedThoughtComesWholeAndIsKept) {
  const Decoded decoded = Decode(Start() + Block(0, R"({"type":"redacted_thinking","data":"QUJD"})") + EndOf(0) +
                                 kThinking + Signature("S") + Call(1, "a", "{}") + End("tool_use"));
  ASSERT_THAT(decoded.message.parts, SizeIs(3));
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).opaque, R"({"type":"redacted_thinking","data":"QUJD"})");
  EXPECT_THAT(std::get<Reasoning>(decoded.message.parts[1]).opaque, HasSubstr(R"("type":"thinking")"));
}

// the end, which must be there.

TEST(AnthropicDecode, AStreamWithoutMessageStopIsTruncated) {
  const std::string whole = Start() + Say("x") + Call(1, "a", R"({\"x\":1})") + End("tool_use");
  EXPECT_EQ(Decode(whole).fault, StreamFault::kNone);
  const Decoded cut = Decode(whole.substr(0, whole.size() - kStop.size()));
  EXPECT_EQ(cut.fault, StreamFault::kTruncated);
  EXPECT_THAT(cut.message.parts, IsEmpty());
  EXPECT_EQ(Decode("").fault, StreamFault::kTruncated);
  EXPECT_EQ(Decode(Start() + "data: {\"type\":\"content_bl").fault, StreamFault::kTruncated);
}

TEST(AnthropicDecode, ALastEventWithoutItsBlankLineCounts) {
  const std::string whole = Start() + Say("x") + End("end_turn");
  EXPECT_EQ(Decode(whole.substr(0, whole.size() - 2)).fault, StreamFault::kNone);
}

TEST(AnthropicDecode, NothingBehindMessageStopCounts) {
  const auto decoder = CodecOf(Wire::kAnthropicMessages).decoder(kEvents, {});
  decoder->Feed(Start() + Say("x"), nullptr);
  EXPECT_FALSE(decoder->settled());
  decoder->Feed(End("end_turn"), nullptr);
  EXPECT_TRUE(decoder->settled());
  decoder->Feed(Event(R"({"type":"error","error":{"type":"api_error","message":"late"}})"), nullptr);
  EXPECT_EQ(TextOf(decoder->Finish(nullptr).message), "x");
}

TEST(AnthropicDecode, ADoneMarkerOfAGatewayIsPassedOver) {
  EXPECT_EQ(Decode(Start() + Say("x") + "data: [DONE]\n\n").fault, StreamFault::kTruncated);
  EXPECT_EQ(Decode("data: [DONE]\n\n" + Start() + Say("x") + End("end_turn")).fault, StreamFault::kNone);
}

TEST(AnthropicDecode, EveryStopReasonHasItsMeaning) {
  const auto stop = [](const std::string& reason) { return Decode(Start() + Say("x") + End(reason)).message.stop; };
  EXPECT_EQ(stop("end_turn"), Stop::kEnd);
  EXPECT_EQ(stop("stop_sequence"), Stop::kEnd);
  EXPECT_EQ(stop("tool_use"), Stop::kEnd);  // there are no calls
  EXPECT_EQ(stop("max_tokens"), Stop::kLength);
  EXPECT_EQ(stop("refusal"), Stop::kFiltered);
  EXPECT_EQ(stop("sensitive"), Stop::kFiltered);
  EXPECT_EQ(stop("pause_turn"), Stop::kPaused);
  EXPECT_EQ(stop("something_new"), Stop::kUnknown);
}

TEST(AnthropicDecode, CallsMakeAToolTurnWhateverTheStopReasonSays) {
  for (const std::string reason : {"tool_use", "end_turn", "something_new", "pause_turn"}) {
    const Decoded decoded = Decode(Start() + Call(0, "a", "{}") + End(reason));
    EXPECT_EQ(decoded.message.stop, Stop::kToolCalls) << reason;
    EXPECT_THAT(CallsIn(decoded), SizeIs(1)) << reason;
  }
}

TEST(AnthropicDecode, CallsOfACutOrRefusedTurnAreDropped) {
  for (const std::string reason : {"max_tokens", "refusal"}) {
    const Decoded decoded = Decode(Start() + Say("x") + Call(1, "a", R"({\"x\":1})") + End(reason));
    EXPECT_EQ(decoded.fault, StreamFault::kNone);
    EXPECT_THAT(CallsIn(decoded), IsEmpty()) << reason;
    EXPECT_EQ(TextOf(decoded.message), "x");
  }
}

TEST(AnthropicDecode, AnEndForWantOfRoomIsTheErrorThatMakesAConversationShorter) {
  const Decoded decoded = Decode(Start() + Say("x") + End("model_context_window_exceeded"));
  EXPECT_EQ(decoded.fault, StreamFault::kServerError);
  EXPECT_EQ(decoded.error.code, "context_length_exceeded");
}

TEST(AnthropicDecode, AnUnknownEndWithNothingInItIsAnError) {
  const Decoded decoded = Decode(Start() + End("something_new"));
  EXPECT_EQ(decoded.fault, StreamFault::kServerError);
  EXPECT_THAT(decoded.error.message, HasSubstr("something_new"));
}

TEST(AnthropicDecode, ARefusalWithoutContentShowsItsExplanation) {
  std::string delivered;
  const Decoded decoded = Decode(
      Start() +
          Event(R"({"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"explanation":"No."}}})") +
          kStop,
      kEvents, &delivered);
  EXPECT_EQ(decoded.message.stop, Stop::kFiltered);
  EXPECT_EQ(TextOf(decoded.message), "No.");
  EXPECT_EQ(delivered, "No.");
}

// gateways.

TEST(AnthropicDecode, TheSameBeginningTwiceIsOne) {
  EXPECT_EQ(TextOf(Decode(Start() + Block(0, R"({"type":"text","text":""})") + Words("a") + Start() + Words("b") +
                          End("end_turn"))
                       .message),
            "ab");
}

TEST(AnthropicDecode, AnotherBeginningInTheMiddleDiscardsWhatWasBefore) {
  std::string delivered;
  const Decoded decoded = Decode(Start("msg_1", R"({"input_tokens":900,"cache_read_input_tokens":90})") + Say("lost") +
                                     Block(1, R"({"type":"tool_use","id":"a","name":"f"})") + Args(1, R"({\"x\")") +
                                     Start("msg_2", R"({"input_tokens":10})") + Say("kept") + End("end_turn"),
                                 kEvents, &delivered);
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(TextOf(decoded.message), "kept");
  EXPECT_THAT(CallsIn(decoded), IsEmpty());
  EXPECT_EQ(decoded.usage.input, 10u);
  EXPECT_EQ(delivered, "lost\n\nkept");  // what was shown cannot be taken back
}

TEST(AnthropicDecode, ADeltaOfNoBlockIsMalformed) {
  EXPECT_EQ(Decode(Start() + Args(3, "{}") + End("tool_use")).fault, StreamFault::kMalformed);
}

TEST(AnthropicDecode, AnEventThatIsNoJsonIsMalformed) {
  EXPECT_EQ(Decode(Start() + "data: {oops}\n\n" + End("end_turn")).fault, StreamFault::kMalformed);
}

TEST(AnthropicDecode, AnErrorEventIsAnErrorWhateverCameBefore) {
  const Decoded decoded =
      Decode(Start() + Say("x") +
             Event(R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"})") +
             End("end_turn"));
  EXPECT_EQ(decoded.fault, StreamFault::kServerError);
  EXPECT_EQ(decoded.error.type, "overloaded_error");
  EXPECT_EQ(decoded.error.message, "Overloaded");
  EXPECT_THAT(decoded.message.parts, IsEmpty());
}

TEST(AnthropicDecode, AnErrorEventOfUnknownShapeIsOne) {
  EXPECT_EQ(Decode("event: error\ndata: {\"oops\":1}\n\n").fault, StreamFault::kServerError);
}

TEST(AnthropicDecode, AnUnframedErrorIsFound) {
  const Decoded decoded = Decode(Start() + "{\"error\":{\"type\":\"api_error\",\n  \"message\":\"no\"}}\n");
  EXPECT_EQ(decoded.fault, StreamFault::kServerError);
  EXPECT_EQ(decoded.error.message, "no");
}

TEST(AnthropicDecode, AWholeMessageInPlaceOfAStreamIsDecoded) {
  const std::string body =
      R"({"id":"m","type":"message","role":"assistant","model":"claude-x","content":[)"
      R"({"type":"thinking","thinking":"hm","signature":"S"},{"type":"text","text":"x"},)"
      R"({"type":"tool_use","id":"a","name":"f","input":{"x":[1,2.50]}}],"stop_reason":"tool_use",)"
      R"("usage":{"input_tokens":3,"output_tokens":4}})";
  std::string delivered;
  const Decoded decoded = Decode(body, "application/json", &delivered);
  EXPECT_EQ(Show(decoded),
            "fault 0 stop 2 usage 3 0 0 4 0 model claude-x\n"
            "thought hm|{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"S\"}\ntext x\n"
            "call a|f|{\"x\":[1,2.5]}|");
  EXPECT_EQ(delivered, "x");
  EXPECT_EQ(Decode(body.substr(0, 200), "application/json").fault, StreamFault::kTruncated);
  EXPECT_EQ(Decode(R"({"hello":1})", "application/json").fault, StreamFault::kMalformed);
}

TEST(AnthropicDecode, AWholeErrorInPlaceOfAStreamIsOne) {
  const Decoded decoded =
      Decode(R"({"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too large"}})",
             "application/json");
  EXPECT_EQ(decoded.fault, StreamFault::kServerError);
  EXPECT_EQ(decoded.error.type, "invalid_request_error");
}

TEST(AnthropicDecode, AWebPageIsNoAnswer) {
  EXPECT_EQ(Decode("<html><title>Sign in</title>", "text/html").fault, StreamFault::kHtml);
}

TEST(AnthropicDecode, AnAnswerThatOutgrowsTheLimitIsStopped) {
  const auto decoder = CodecOf(Wire::kAnthropicMessages).decoder(kEvents, {.max_text_bytes = 100});
  decoder->Feed(Start() + Block(0, R"({"type":"tool_use","id":"a","name":"f"})"), nullptr);
  for (int i = 0; i < 20 && !decoder->settled(); ++i) decoder->Feed(Args(0, "xxxxxxxxxx"), nullptr);
  EXPECT_TRUE(decoder->settled());
  EXPECT_EQ(decoder->Finish(nullptr).fault, StreamFault::kTooLarge);
}

// usage.

TEST(AnthropicDecode, InputIsAllOfItWithWhatWentThroughTheCache) {
  const Decoded decoded = Decode(
      Start(
          "m",
          R"({"input_tokens":10,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":1})") +
      Say("x") + End("end_turn", R"({"output_tokens":50,"output_tokens_details":{"thinking_tokens":30}})"));
  EXPECT_TRUE(decoded.usage_known);
  EXPECT_EQ(decoded.usage.input, 1110u);
  EXPECT_EQ(decoded.usage.cached, 1000u);
  EXPECT_EQ(decoded.usage.cache_write, 100u);
  EXPECT_EQ(decoded.usage.output, 50u);
  EXPECT_EQ(decoded.usage.reasoning, 30u);
}

TEST(AnthropicDecode, LaterCountsReplaceEarlierOnesAndMissingOnesKeepThem) {
  const Decoded raised =
      Decode(Start("m", R"({"input_tokens":43,"cache_read_input_tokens":7,"output_tokens":1})") + Say("x") +
             End("end_turn", R"({"input_tokens":61,"cache_read_input_tokens":null,"output_tokens":5})"));
  EXPECT_EQ(raised.usage.input, 68u);
  EXPECT_EQ(raised.usage.output, 5u);
}

TEST(AnthropicDecode, OddCountsNeverFail) {
  const Decoded decoded =
      Decode(Start("m", R"({"input_tokens":"12","output_tokens":-3})") + Say("x") +
             End("end_turn", R"({"output_tokens":2.0,"output_tokens_details":{"thinking_tokens":9}})"));
  EXPECT_EQ(decoded.usage.input, 12u);
  EXPECT_EQ(decoded.usage.output, 2u);
  EXPECT_EQ(decoded.usage.reasoning, 2u);
  EXPECT_FALSE(Decode(Start("m", "null") + Say("x") + End("end_turn", "null")).usage_known);
}

// however it comes.

TEST(AnthropicDecode, EveryCutAndEveryLineEndGivesTheSameResult) {
  const std::vector<std::string> streams{
      Start() + ": keep-alive\n\n" + Say("H\xC3\xA9llo \\ud83d\\ude00") + End("end_turn"),
      Start() + kThinking + Signature("S") + EndOf(0) + Say("x", 1) + Call(2, "a", R"({\"x\":\"\\u00e9\"})") +
          Call(3, "b", "") + End("tool_use", R"({"input_tokens":9,"output_tokens":5})"),
      Start("m1") + Say("lost") + Start("m2") + Say("kept") + End("end_turn"),
      Start() + Say("x"),
      Start() + Say("x") + Event(R"({"type":"error","error":{"type":"api_error","message":"no"}})"),
      "{\"error\":\n{\"message\":\"no\"}}\n"};
  for (const std::string& stream : streams) test::ExpectTheSameHoweverCut(CodecOf(Wire::kAnthropicMessages), stream);
  test::ExpectTheSameHoweverCut(CodecOf(Wire::kAnthropicMessages),
                                "{\"type\":\"message\",\n\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}\n",
                                "application/json");
  test::ExpectTheSameHoweverCut(CodecOf(Wire::kAnthropicMessages), "<html>\n<title>no</title>", "");
}

TEST(AnthropicDecode, NoBytesWhateverMakeItCrash) {
  std::mt19937 random(3);
  const std::string seed =
      Start() + kThinking + Signature("S") + Say("x", 1) + Call(2, "a", R"({\"x\":1})") + End("tool_use");
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = seed;
    for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    Decode(bytes.substr(0, random() % bytes.size()), round % 2 == 0 ? kEvents : "");
  }
}

}  // namespace
}  // namespace rune::agent
