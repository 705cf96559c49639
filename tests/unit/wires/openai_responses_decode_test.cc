#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "agent/wires/codec.h"
#include "tests/unit/wires/codec_fixture.h"
#include "tests/unit/wires/split.h"

namespace rune::agent {
namespace {

using test::CallsIn;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Events as the server frames them: each is named as its type.
std::string Stream(const std::vector<std::string>& events) {
  std::string text;
  for (const std::string& event : events) {
    const auto document = json::Document::Parse(event);
    const std::string type(document.ok() ? document->root()["type"].string().value_or("") : "");
    text += (type.empty() ? "" : "event: " + type + "\n") + "data: ";
    for (const char c : event) text += c == '\n' ? std::string("\ndata: ") : std::string(1, c);
    text += "\n\n";
  }
  return text;
}

const std::string kCreated =
    R"({"type":"response.created","response":{"id":"r","model":"gpt-x","status":"in_progress"}})";
const std::string kCompleted =
    R"({"type":"response.completed","response":{"status":"completed","model":"gpt-x","output":[],"usage":{"input_tokens":30,
    "input_tokens_details":{"cached_tokens":20,"cache_write_tokens":4},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":5}}}})";

std::string At(int index, const std::string& type, const std::string& members) {
  return R"({"type":"response.)" + type + R"(","output_index":)" + std::to_string(index) + "," + members + "}";
}
std::string Added(int index, const std::string& item) { return At(index, "output_item.added", R"("item":)" + item); }
std::string Done(int index, const std::string& item) { return At(index, "output_item.done", R"("item":)" + item); }
std::string TextDelta(int index, const std::string& text) {
  return At(index, "output_text.delta", R"("content_index":0,"delta":")" + text + R"(")");
}
std::string ArgsDelta(int index, const std::string& args) {
  return At(index, "function_call_arguments.delta", R"("delta":")" + args + R"(")");
}

Decoded Decode(const std::string& bytes, const std::string& type = "text/event-stream",
               std::string* delivered = nullptr) {
  return test::DecodeWhole(Wire::kOpenAiResponses, bytes, type, delivered);
}

/// A turn of two calls after a thought, as api.openai.com streams it.
const std::vector<std::string> kTwoCalls{
    kCreated,
    Added(0, R"({"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"not yet"})"),
    At(0, "reasoning_summary_text.delta", R"("summary_index":0,"delta":"I ")"),
    At(0, "reasoning_summary_text.delta", R"("summary_index":0,"delta":"look")"),
    Done(
        0,
        R"({"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"I look"}],"encrypted_content":"SEALED","status":null})"),
    Added(
        1,
        R"({"type":"function_call","id":"fc_1","call_id":"call_a","name":"f","arguments":"","status":"in_progress"})"),
    Added(2, R"({"type":"function_call","id":"fc_2","call_id":"call_b","name":"g","arguments":""})"),
    ArgsDelta(1, R"({\"x\")"),
    ArgsDelta(2, R"({})"),
    ArgsDelta(1, R"(:1})"),
    At(1, "function_call_arguments.done", R"("arguments":"{\"x\":1}")"),
    Done(
        1,
        R"({"type":"function_call","id":"fc_1","call_id":"call_a","name":"f","arguments":"{\"x\":1}","status":"completed"})"),
    Done(2, R"({"type":"function_call","id":"fc_2","call_id":"call_b","name":"g","arguments":"{}"})"),
    kCompleted};

const std::vector<std::string> kHello{
    kCreated,
    Added(0, R"({"type":"message","id":"msg_1","role":"assistant","phase":"final_answer","content":[]})"),
    At(0, "content_part.added", R"("content_index":0,"part":{"type":"output_text","text":""})"),
    TextDelta(0, "Hel"),
    TextDelta(0, "lo"),
    At(0, "output_text.done", R"("content_index":0,"text":"Hello")"),
    Done(
        0,
        R"({"type":"message","role":"assistant","phase":"final_answer","content":[{"type":"output_text","text":"Hello"}]})"),
    kCompleted};

TEST(ResponsesDecode, TextArrivesInPiecesAndIsWholeAtTheEnd) {
  std::string delivered;
  const Decoded decoded = Decode(Stream(kHello), "text/event-stream", &delivered);
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(TextOf(decoded.message), "Hello");
  EXPECT_EQ(delivered, "Hello");
  EXPECT_EQ(decoded.message.role, Role::kAssistant);
  EXPECT_EQ(decoded.message.stop, Stop::kEnd);
  EXPECT_EQ(decoded.model, "gpt-x");
}

TEST(ResponsesDecode, CallsAreAssembledByTheirPlaceAndThoughtsStandBeforeThem) {
  const Decoded decoded = Decode(Stream(kTwoCalls));
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(decoded.message.stop, Stop::kToolCalls);
  EXPECT_THAT(CallsIn(decoded), ElementsAre(R"(call_a f{"x":1})", "call_b g{}"));
  const auto& thought = std::get<Reasoning>(decoded.message.parts[0]);
  EXPECT_EQ(thought.text, "I look");
}

TEST(ResponsesDecode, TheSealOfAThoughtIsTakenFromItsEndAndNotFromItsBeginning) {
  EXPECT_EQ(
      std::get<Reasoning>(Decode(Stream(kTwoCalls)).message.parts[0]).opaque,
      R"({"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"I look"}],"encrypted_content":"SEALED"})");
}

TEST(ResponsesDecode, AThoughtThatNeverEndsIsNotSentBack) {
  const Decoded decoded =
      Decode(Stream({Added(0, R"({"type":"reasoning","id":"rs","summary":[],"encrypted_content":"not yet"})"),
                     At(0, "reasoning_summary_text.delta", R"("delta":"so")"), kCompleted}));
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).opaque, "");
}

TEST(ResponsesDecode, AThoughtWithoutASealIsNotSentBack) {
  const Decoded decoded =
      Decode(Stream({Done(0, R"({"type":"reasoning","id":"rs","summary":[{"text":"a"},{"text":"b"}]})"), kCompleted}));
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).text, "a\n\nb");
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).opaque, "");
}

TEST(ResponsesDecode, ThePhaseOfATextIsKept) {
  const Decoded decoded = Decode(Stream(kHello));
  ASSERT_EQ(decoded.message.parts.size(), 2u);
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).opaque, R"({"phase":"final_answer"})");
}

TEST(ResponsesDecode, IdsThatChangeWithEveryEventDoNotMatter) {
  std::vector<std::string> rotated;
  int number = 0;
  for (std::string event : kTwoCalls) {
    for (const std::string id : {R"("id":"fc_1")", R"("id":"fc_2")"}) {
      if (const auto at = event.find(id); at != std::string::npos)
        event.replace(at, id.size(), R"("id":"z)" + std::to_string(++number) + R"(")");
    }
    if (event.find("delta") != std::string::npos)
      event.insert(event.size() - 1, R"(,"item_id":"y)" + std::to_string(++number) + R"(")");
    rotated.push_back(event);
  }
  EXPECT_EQ(test::Show(Decode(Stream(rotated))), test::Show(Decode(Stream(kTwoCalls))));
}

TEST(ResponsesDecode, ArgumentsMayComeOnlyAtTheEndOfTheirStream) {
  EXPECT_THAT(CallsIn(Decode(Stream({Added(0, R"({"type":"function_call","call_id":"a","name":"f","arguments":""})"),
                                     At(0, "function_call_arguments.done", R"("arguments":"{\"x\":1}","name":"f")"),
                                     kCompleted}))),
              ElementsAre(R"(a f{"x":1})"));
  EXPECT_THAT(CallsIn(Decode(Stream(
                  {At(0, "function_call_arguments.done", R"("arguments":"{\"x\":1}","name":"f")"), kCompleted}))),
              ElementsAre(R"( f{"x":1})"));
}

TEST(ResponsesDecode, ACallWithoutItsOwnIdGoesByTheIdOfTheItem) {
  EXPECT_THAT(CallsIn(Decode(
                  Stream({Done(0, R"({"type":"function_call","id":"fc","name":"f","arguments":"{}"})"), kCompleted}))),
              ElementsAre("fc f{}"));
}

TEST(ResponsesDecode, WhatTheLastEventRepeatsIsNotTakenTwice) {
  std::vector<std::string> events(kTwoCalls.begin(), kTwoCalls.end() - 1);
  events.push_back(
      R"({"type":"response.completed","response":{"status":"completed","output":[{"type":"reasoning","summary":[]},{"type":"function_call",
      "call_id":"call_a","name":"f","arguments":"{\"x\":1}"},{"type":"function_call","call_id":"call_b","name":"g","arguments":"{}"}]}})");
  EXPECT_THAT(CallsIn(Decode(Stream(events))), ElementsAre(R"(call_a f{"x":1})", "call_b g{}"));
}

TEST(ResponsesDecode, AnItemMayComeOnlyAtItsEnd) {
  std::string delivered;
  const Decoded decoded =
      Decode(Stream({Done(0, R"({"type":"message","content":[{"type":"output_text","text":"Hi"}]})"),
                     Done(1, R"({"type":"function_call","call_id":"a","name":"f","arguments":"{}"})"), kCompleted}),
             "text/event-stream", &delivered);
  EXPECT_EQ(TextOf(decoded.message), "Hi");
  EXPECT_EQ(delivered, "Hi");
  EXPECT_THAT(CallsIn(decoded), ElementsAre("a f{}"));
}

TEST(ResponsesDecode, TheOutputMayComeOnlyWithTheLastEvent) {
  const Decoded decoded = Decode(
      Stream({R"({"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":
      [{"type":"output_text","text":"Hi"}]},{"type":"function_call","call_id":"a","name":"f","arguments":"{}"}]}})"}));
  EXPECT_EQ(TextOf(decoded.message), "Hi");
  EXPECT_THAT(CallsIn(decoded), ElementsAre("a f{}"));
}

TEST(ResponsesDecode, PlacesMayBeMissingAltogether) {
  EXPECT_THAT(CallsIn(Decode(Stream(
                  {R"({"type":"response.output_item.added","item":{"type":"function_call","call_id":"a","name":"f"}})",
                   R"({"type":"response.function_call_arguments.delta","delta":"{\"x\":1}"})",
                   R"({"type":"response.output_item.added","item":{"type":"function_call","call_id":"b","name":"g"}})",
                   R"({"type":"response.function_call_arguments.delta","delta":"{}"})", kCompleted}))),
              ElementsAre(R"(a f{"x":1})", "b g{}"));
}

TEST(ResponsesDecode, TheFinalTextAddsWhatTheDeltasLeftOutAndNothingTwice) {
  std::string delivered;
  const Decoded decoded =
      Decode(Stream({TextDelta(0, "Hel"), At(0, "output_text.done", R"("content_index":0,"text":"Hello")"),
                     Done(0, R"({"type":"message","content":[{"type":"output_text","text":"Hello"}]})"), kCompleted}),
             "text/event-stream", &delivered);
  EXPECT_EQ(TextOf(decoded.message), "Hello");
  EXPECT_EQ(delivered, "Hello");
}

TEST(ResponsesDecode, WhatWasDeliveredStaysWhateverTheFinalTextSays) {
  for (const std::string final : {"Hi", "Hello, world"}) {
    EXPECT_EQ(
        TextOf(Decode(Stream({TextDelta(0, "Hallo"),
                              At(0, "output_text.done", R"("content_index":0,"text":")" + final + R"(")"), kCompleted}))
                   .message),
        "Hallo");
  }
}

TEST(ResponsesDecode, UsageCountsWhatTheCacheGave) {
  const Usage usage = Decode(Stream(kHello)).usage;
  EXPECT_EQ(usage.input, 30u);
  EXPECT_EQ(usage.cached, 20u);
  EXPECT_EQ(usage.cache_write, 4u);
  EXPECT_EQ(usage.output, 9u);
  EXPECT_EQ(usage.reasoning, 5u);
}

TEST(ResponsesDecode, OddCountsNeverFailTheRun) {
  const Decoded decoded = Decode(Stream(
      {R"({"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":"7","output_tokens":-1,
      "input_tokens_details":null,"output_tokens_details":{"reasoning_tokens":99}}}})"}));
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(decoded.usage.input, 7u);
  EXPECT_EQ(decoded.usage.output, 0u);
  EXPECT_EQ(decoded.usage.reasoning, 0u);
}

TEST(ResponsesDecode, WithoutItsLastEventAStreamIsTruncated) {
  for (const std::vector<std::string>& events : {kHello, kTwoCalls}) {
    const std::vector<std::string> cut(events.begin(), events.end() - 1);
    const Decoded decoded = Decode(Stream(cut));
    EXPECT_EQ(decoded.fault, StreamFault::kTruncated);
    EXPECT_THAT(decoded.message.parts, IsEmpty());
    EXPECT_EQ(Decode(Stream(cut) + "data: [DONE]\n\n").fault, StreamFault::kTruncated) << "no marker of this wire";
  }
}

TEST(ResponsesDecode, AnIncompleteAnswerKeepsItsTextAndLosesItsCalls) {
  const auto incomplete = [](const std::string& reason) {
    return R"({"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":")" +
           reason + R"("},"usage":{"input_tokens":1,"output_tokens":1}}})";
  };
  for (const auto& [reason, stop] : std::vector<std::pair<std::string, Stop>>{
           {"max_output_tokens", Stop::kLength}, {"content_filter", Stop::kFiltered}, {"else", Stop::kLength}}) {
    const Decoded decoded =
        Decode(Stream({TextDelta(0, "par"), Added(1, R"({"type":"function_call","call_id":"a","name":"f"})"),
                       ArgsDelta(1, "{}"), incomplete(reason)}));
    EXPECT_EQ(decoded.message.stop, stop) << reason;
    EXPECT_EQ(TextOf(decoded.message), "par");
    EXPECT_THAT(CallsIn(decoded), IsEmpty());
    EXPECT_TRUE(decoded.usage_known);
  }
}

TEST(ResponsesDecode, AnIncompleteAnswerNeedsNoReason) {
  EXPECT_EQ(
      Decode(Stream({R"({"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":null}})"}))
          .message.stop,
      Stop::kLength);
}

TEST(ResponsesDecode, ARefusalIsShownAndIsNoNormalEnd) {
  std::string delivered;
  const Decoded decoded = Decode(
      Stream({Added(0, R"({"type":"message","content":[]})"), At(0, "refusal.delta", R"("delta":"I will ")"),
              At(0, "refusal.delta", R"("delta":"not.")"), At(0, "refusal.done", R"("refusal":"I will not.")"),
              Done(0, R"({"type":"message","content":[{"type":"refusal","refusal":"I will not."}]})"), kCompleted}),
      "text/event-stream", &delivered);
  EXPECT_EQ(decoded.message.stop, Stop::kFiltered);
  EXPECT_EQ(TextOf(decoded.message), "I will not.");
  EXPECT_EQ(delivered, "I will not.");
}

TEST(ResponsesDecode, AFailureIsAnErrorInEveryShapeItHas) {
  const std::vector<std::string> failures{
      R"({"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"no"}}})",
      R"({"type":"error","code":"server_error","message":"no","param":null,"sequence_number":3})",
      R"({"type":"error","error":{"type":"server_error","code":"server_error","message":"no","param":null}})"};
  for (const std::string& failure : failures) {
    const Decoded decoded = Decode(Stream({kCreated, TextDelta(0, "par"), failure, kCompleted}));
    EXPECT_EQ(decoded.fault, StreamFault::kServerError) << failure;
    EXPECT_EQ(decoded.error.message, "no") << failure;
    EXPECT_EQ(decoded.error.code, "server_error") << failure;
    EXPECT_THAT(decoded.message.parts, IsEmpty());
    // Servers that forget the event's name.
    EXPECT_EQ(Decode("data: " + failure + "\n\n").fault, StreamFault::kServerError) << failure;
  }
  const Decoded silent = Decode(Stream({R"({"type":"response.failed","response":{"status":"failed","error":null}})"}));
  EXPECT_EQ(silent.fault, StreamFault::kServerError);
  EXPECT_NE(silent.error.message, "");
}

TEST(ResponsesDecode, UnknownEventsAndItemsArePassedOver) {
  const Decoded decoded =
      Decode(Stream({kCreated, R"({"type":"response.queued"})", R"({"type":"keepalive"})", R"({})", R"([])",
                     Added(0, R"({"type":"web_search_call","id":"ws"})"), Done(0, R"({"type":"web_search_call"})"),
                     TextDelta(1, "x"), At(1, "output_text.annotation.added", R"("annotation":{})"), kCompleted}));
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(TextOf(decoded.message), "x");
}

TEST(ResponsesDecode, NothingBehindTheLastEventCounts) {
  const auto decoder = CodecOf(Wire::kOpenAiResponses).decoder("text/event-stream", {});
  decoder->Feed(Stream(kHello), nullptr);
  EXPECT_TRUE(decoder->settled());
  decoder->Feed(Stream({TextDelta(0, "more")}), nullptr);
  EXPECT_EQ(TextOf(decoder->Finish(nullptr).message), "Hello");
}

TEST(ResponsesDecode, AWholeBodyIsTakenAlthoughAStreamWasAskedFor) {
  const std::string body =
      R"({"id":"r","object":"response","status":"completed","error":null,"model":"gpt-x","output":[
      {"type":"reasoning","id":"rs","summary":[],"encrypted_content":"S"},
      {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]},
      {"type":"function_call","call_id":"a","name":"f","arguments":"{}"}],"usage":{"input_tokens":3,"output_tokens":2}})";
  std::string delivered;
  const Decoded decoded = Decode(body, "application/json", &delivered);
  EXPECT_EQ(delivered, "Hi");
  EXPECT_EQ(decoded.message.parts.size(), 3u);
  EXPECT_EQ(decoded.usage.input, 3u);
  EXPECT_EQ(Decode(R"({"models":[]})", "application/json").fault, StreamFault::kMalformed);
  EXPECT_EQ(Decode(body.substr(0, 100), "application/json").fault, StreamFault::kTruncated);
  EXPECT_EQ(Decode(R"({"error":{"message":"no","code":"x"}})", "application/json").error.code, "x");
  EXPECT_EQ(Decode("<html><title>no", "text/html").fault, StreamFault::kHtml);
}

TEST(ResponsesDecode, AnAnswerBeyondTheLimitIsRefused) {
  const std::vector<std::string> floods{TextDelta(0, "12345"), ArgsDelta(0, "12345"),
                                        At(0, "refusal.delta", R"("delta":"12345")"),
                                        At(0, "reasoning_summary_text.delta", R"("delta":"12345")")};
  for (const std::string& flood : floods) {
    const auto decoder = CodecOf(Wire::kOpenAiResponses).decoder("text/event-stream", {.max_text_bytes = 10});
    for (int i = 0; i < 4; ++i) decoder->Feed(Stream({flood}), nullptr);
    EXPECT_EQ(decoder->Finish(nullptr).fault, StreamFault::kTooLarge) << flood;
  }
}

TEST(ResponsesDecode, EveryCutAndEveryLineEndGivesTheSameResult) {
  const std::vector<std::vector<std::string>> streams{
      kHello,
      kTwoCalls,
      {kCreated, TextDelta(0, "H\xC3\xA9 \\ud83d\\ude00"), kCompleted},
      {kCreated, TextDelta(0, "x")},
      {kCreated, R"({"type":"error","code":"server_error","message":"no"})"}};
  for (const auto& events : streams) test::ExpectTheSameHoweverCut(CodecOf(Wire::kOpenAiResponses), Stream(events));
  test::ExpectTheSameHoweverCut(CodecOf(Wire::kOpenAiResponses), R"({"status":"completed","output":[]})",
                                "application/json");
}

TEST(ResponsesDecode, NoBytesWhateverMakeItCrash) {
  std::mt19937 random(3);
  const std::string seed = Stream(kTwoCalls);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = seed;
    for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    Decode(bytes.substr(0, random() % bytes.size()), round % 2 == 0 ? "text/event-stream" : "");
  }
}

}  // namespace
}  // namespace rune::agent
