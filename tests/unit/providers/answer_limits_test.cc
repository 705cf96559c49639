/// What one answer may consist of, on every wire.

#include <gmock/gmock.h>

#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "agent/providers/failure.h"
#include "agent/wires/call_assembler.h"

namespace rune::agent {
namespace {

using testing::HasSubstr;

struct WireCase {
  Wire wire;
  std::string begin;                            ///< Of the stream.
  std::function<std::string(int number)> call;  ///< A whole one.
  std::string end;
};

std::string Event(const std::string& json) { return "data: " + json + "\n\n"; }

std::vector<WireCase> Wires() {
  const auto numbered = [](const std::string& before, const std::string& after) {
    return [before, after](int number) {
      const std::string text = std::to_string(number);
      return Event(before + text + after + text + "\"}}");
    };
  };
  return {
      {Wire::kOpenAiChat, "",
       [](int number) {
         const std::string text = std::to_string(number);
         return Event(R"({"choices":[{"delta":{"tool_calls":[{"index":)" + text + R"(,"id":"c)" + text +
                      R"(","function":{"name":"f","arguments":"{}"}}]}}]})");
       },
       Event(R"({"choices":[{"delta":{},"finish_reason":"tool_calls"}]})") + Event("[DONE]")},
      {Wire::kOpenAiResponses, "",
       numbered(R"({"type":"response.output_item.done","output_index":)",
                R"(,"item":{"type":"function_call","name":"f","arguments":"{}","call_id":"c)"),
       Event(R"({"type":"response.completed","response":{"status":"completed"}})")},
      {Wire::kAnthropicMessages, Event(R"({"type":"message_start","message":{"id":"m","content":[]}})"),
       numbered(R"({"type":"content_block_start","index":)",
                R"(,"content_block":{"type":"tool_use","name":"f","input":{},"id":"c)"),
       Event(R"({"type":"message_delta","delta":{"stop_reason":"tool_use"}})") + Event(R"({"type":"message_stop"})")},
      {Wire::kGeminiNative, "",
       [](int number) {
         return Event(R"({"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{},"id":"c)" +
                      std::to_string(number) + R"("}}]}}]})");
       },
       Event(R"({"candidates":[{"finishReason":"STOP"}]})")},
  };
}

Decoded DecodeCalls(const WireCase& wire, int calls) {
  const auto decoder = CodecOf(wire.wire).decoder("text/event-stream", {});
  decoder->Feed(wire.begin, nullptr);
  for (int i = 0; i < calls; ++i) decoder->Feed(wire.call(i), nullptr);
  decoder->Feed(wire.end, nullptr);
  return decoder->Finish(nullptr);
}

TEST(AnswerLimits, MoreCallsThanAnyoneMeansAreAFailureInOneLine) {
  for (const WireCase& wire : Wires()) {
    const Decoded many = DecodeCalls(wire, 256);
    EXPECT_EQ(many.fault, StreamFault::kNone) << WireName(wire.wire) << many.detail;
    EXPECT_EQ(CallsOf(many.message).size(), 256u) << WireName(wire.wire);
    const Decoded too_many = DecodeCalls(wire, 257);
    EXPECT_EQ(too_many.fault, StreamFault::kTooLarge) << WireName(wire.wire);
    const Failure failure = ClassifyFault(too_many, {.provider = "p", .base_url = "https://api.example", .model = "m"});
    EXPECT_EQ(failure.kind, ModelErrorKind::kProtocol);
    EXPECT_EQ(failure.remedy, Remedy::kNone);
    EXPECT_EQ(failure.message,
              "the answer of api.example is larger than any answer: more than 256 calls in one answer");
  }
}

TEST(AnswerLimits, ACallThatComesInManyEventsIsOne) {
  for (const WireCase& wire : Wires()) {
    if (wire.wire != Wire::kOpenAiChat && wire.wire != Wire::kOpenAiResponses) continue;  // the others begin it once
    const auto decoder = CodecOf(wire.wire).decoder("text/event-stream", {});
    for (int i = 0; i < 300; ++i) decoder->Feed(wire.call(0), nullptr);
    decoder->Feed(wire.end, nullptr);
    EXPECT_EQ(CallsOf(decoder->Finish(nullptr).message).size(), 1u) << WireName(wire.wire);
  }
}

TEST(AnswerLimits, PartsOfNothingAreCountedToo) {
  const std::vector<std::pair<Wire, std::string>> endless{
      {Wire::kAnthropicMessages, R"({"type":"content_block_start","index":#,"content_block":{"type":"text"}})"},
      {Wire::kOpenAiResponses, R"({"type":"response.output_item.added","output_index":#,"item":{"type":"message"}})"},
      {Wire::kOpenAiChat, R"({"choices":[{"delta":{"reasoning_details":[{"index":#}]}}]})"},
      {Wire::kOpenAiChat, R"({"choices":[{"delta":{"reasoning_details":[{"index":0,"text":"","m#":0}]}}]})"}};
  for (const auto& [wire, event] : endless) {
    const auto decoder = CodecOf(wire).decoder("text/event-stream", {});
    int events = 0;
    for (; !decoder->settled() && events < 10'000; ++events) {
      std::string numbered = event;
      numbered.replace(numbered.find('#'), 1, std::to_string(events));
      decoder->Feed(Event(numbered), nullptr);
    }
    EXPECT_LT(events, 5000) << event;
    EXPECT_GT(events, 1000) << event;
    EXPECT_THAT(decoder->Finish(nullptr).detail, HasSubstr("more than 4096 parts")) << event;
  }
}

// Compared with each call before them, they are half a minute; found, a tenth of a second.
TEST(AnswerLimits, PiecesFindTheirCallWithoutASearch) {
  CallAssembler calls;
  const std::clock_t begin = std::clock();
  for (int i = 0; i < 100'000; ++i) {
    const std::string number = std::to_string(i);
    const auto document =
        json::Document::Parse(R"({"index":)" + number + R"(,"id":"c)" + number + R"(","function":{"name":"f"}})");
    calls.Add(document->root());
  }
  EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC);
  EXPECT_EQ(calls.size(), 100'000u);
}

}  // namespace
}  // namespace rune::agent
