/// What holds on every wire alike, and that QUIRKS.md beside this file names tests that exist.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/json/json.h"
#include "agent/wires/codec.h"
#include "agent/wires/normalise.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Decoded Decode(Wire wire, const std::string& stream) {
  const auto decoder = CodecOf(wire).decoder("text/event-stream", {});
  decoder->Feed(stream, {});
  return decoder->Finish({});
}

const std::vector<ToolSpec> kTools{{"f", "F.", R"({"type":"object","properties":{"a":{"type":"string"}}})"}};

/// What is sent of `history` to p/m, after everything that runs before.
std::string Encoded(Wire wire, const std::vector<Message>& history) {
  Caps caps;
  caps.wire = wire;
  const std::vector<Message> normal = Normalise(history, {.origin = "p/m"});
  return CodecOf(wire).encode("m", {.messages = normal, .tools = kTools}, caps).body;
}

std::string Event(const std::string& data) { return "data: " + data + "\n\n"; }

/// A stream that says `text` and ends as it should.
using Said = std::string (*)(const std::string& text);
const std::map<Wire, Said> kSaid{
    {Wire::kOpenAiChat,
     [](const std::string& text) {
       return Event(R"({"choices":[{"delta":{"content":")" + text + R"("},"finish_reason":"stop"}]})") +
              Event("[DONE]");
     }},
    {Wire::kOpenAiResponses,
     [](const std::string& text) {
       return Event(R"({"type":"response.completed","response":{"output":[{"type":"message","content":[{"type":)"
                    R"("output_text","text":")" +
                    text + R"("}]}]}})");
     }},
    {Wire::kAnthropicMessages,
     [](const std::string& text) {
       return Event(R"({"type":"message_start","message":{"content":[]}})") +
              Event(R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})") +
              Event(R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":")" + text +
                    "\"}}") +
              Event(R"({"type":"message_delta","delta":{"stop_reason":"end_turn"}})") +
              Event(R"({"type":"message_stop"})");
     }},
    {Wire::kGeminiNative, [](const std::string& text) {
       return Event(R"({"candidates":[{"content":{"parts":[{"text":")" + text + R"("}]},"finishReason":"STOP"}]})");
     }}};

/// The beginning of a stream: a call whose arguments parse already, and what was counted until then.
const std::map<Wire, std::string> kBeginningOfACall{
    {Wire::kOpenAiChat,
     Event(R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":)"
           R"("{}"}}]}}],"usage":{"prompt_tokens":7,"completion_tokens":2}})")},
    {Wire::kOpenAiResponses,
     Event(R"({"type":"response.output_item.done","output_index":0,"item":{"type":"function_call",)"
           R"("call_id":"c","name":"f","arguments":"{}"}})")},
    {Wire::kAnthropicMessages,
     Event(R"({"type":"message_start","message":{"content":[],"usage":{"input_tokens":7,"output_tokens":2}}})") +
         Event(R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"c",)"
               R"("name":"f","input":{}}})") +
         Event(R"({"type":"content_block_stop","index":0})")},
    {Wire::kGeminiNative, Event(R"({"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}}]}}],)"
                                R"("usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":2}})")}};

TEST(EveryWire, ACallIsNoneBeforeItsStreamHasEnded) {
  for (const auto& [wire, beginning] : kBeginningOfACall) {
    const Decoded decoded = Decode(wire, beginning);
    EXPECT_EQ(decoded.fault, StreamFault::kTruncated) << WireName(wire);
    EXPECT_TRUE(CallsOf(decoded.message).empty()) << WireName(wire);
  }
}

TEST(EveryWire, AnAnswerThatFailedSaysWhatItHasUsed) {
  for (const auto& [wire, beginning] : kBeginningOfACall) {
    // This one counts at the end only, and failures are ends.
    const std::string end = wire == Wire::kOpenAiResponses
                                ? Event(R"({"type":"response.failed","response":{"error":{"code":"server_error"},)"
                                        R"("usage":{"input_tokens":7,"output_tokens":2}}})")
                                : "";
    const Decoded decoded = Decode(wire, beginning + end);
    EXPECT_NE(decoded.fault, StreamFault::kNone) << WireName(wire);
    EXPECT_TRUE(decoded.usage_known) << WireName(wire);
    EXPECT_EQ(decoded.usage.input, 7U) << WireName(wire);
    EXPECT_EQ(decoded.usage.output, 2U) << WireName(wire);
  }
}

TEST(EveryWire, NothingBehindTheLastEventCountsAlsoInTheSamePacket) {
  for (const Wire wire : {Wire::kOpenAiChat, Wire::kOpenAiResponses, Wire::kAnthropicMessages}) {
    const Decoded decoded = Decode(
        wire, kSaid.at(wire)("x") + Event(R"({"error":{"message":"late"}})") + kSaid.at(wire)("y") + "data: {\n\n");
    EXPECT_EQ(decoded.fault, StreamFault::kNone) << WireName(wire) << decoded.detail;
    EXPECT_EQ(TextOf(decoded.message), "x") << WireName(wire);
  }
}

TEST(EveryWire, CallsThatAreWrittenAsTextStayText) {
  for (const auto& [wire, said] : kSaid) {
    for (const std::string text : {R"(<tool_call>{\"name\":\"f\"}</tool_call>)", R"(<function=f>{}</function>)",
                                   R"(```json\n{\"name\":\"f\",\"arguments\":{}}\n```)"}) {
      const Decoded decoded = Decode(wire, said(text));
      EXPECT_EQ(decoded.fault, StreamFault::kNone) << WireName(wire) << decoded.detail;
      EXPECT_TRUE(CallsOf(decoded.message).empty()) << WireName(wire);
      EXPECT_THAT(TextOf(decoded.message), HasSubstr("f")) << WireName(wire);
    }
  }
}

TEST(EveryWire, CallsWithoutIdsAreToldApartInTheWholeConversation) {
  const std::string chat = Event(R"({"choices":[{"delta":{"tool_calls":[{"id":"","function":{"name":"f",)"
                                 R"("arguments":"{}"}},{"function":{"name":"f","arguments":"{}"}}]}}]})") +
                           Event("[DONE]");
  const std::string gemini = Event(R"({"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}},)"
                                   R"({"functionCall":{"name":"f"}}]},"finishReason":"STOP"}]})");
  std::vector<Message> history{MakeText(Role::kUser, "go")};
  std::set<std::string> ids;
  std::size_t calls = 0;
  for (const auto& [wire, stream] : {std::pair(Wire::kOpenAiChat, chat), std::pair(Wire::kGeminiNative, gemini),
                                     std::pair(Wire::kOpenAiChat, chat)}) {
    Decoded decoded = Decode(wire, stream);
    AdoptReply(decoded.message, history);
    for (const ToolCall& call : CallsOf(decoded.message)) {
      EXPECT_FALSE(call.id.empty());
      ids.insert(call.id);
      ++calls;
    }
    history.push_back(decoded.message);
  }
  EXPECT_EQ(calls, 6U);
  EXPECT_EQ(ids.size(), calls);
}

TEST(EveryWire, ToolsAreNeverStrict) {
  for (const Wire wire : kWires) {
    EXPECT_THAT(Encoded(wire, {MakeText(Role::kUser, "go")}),
                AllOf(HasSubstr("F."), Not(HasSubstr(R"("strict":true)"))))
        << WireName(wire);
  }
  EXPECT_THAT(Encoded(Wire::kOpenAiChat, {MakeText(Role::kUser, "go")}), Not(HasSubstr("strict")))
      << "servers like it refuse the very word";
}

TEST(EveryWire, AThoughtWithoutASealNeverGoesBack) {
  const Message answer{.role = Role::kAssistant,
                       .parts = {Reasoning{"secret musing", ""}, Text{"So."}, ToolCall{"c", "f", "{}", ""}},
                       .origin = "p/m"};
  for (const Wire wire : kWires) {
    EXPECT_THAT(Encoded(wire, {MakeText(Role::kUser, "go"), answer}), AllOf(HasSubstr("So."), Not(HasSubstr("musing"))))
        << WireName(wire);
  }
}

TEST(EveryWire, HalfACharacterInArgumentsIsReplacedBeforeItIsSent) {
  const Message answer{.role = Role::kAssistant,
                       .parts = {ToolCall{"c", "f", R"({"a":"x\ud83d y\uDE00 \ud83d\ude00"})", ""}},
                       .origin = "p/m"};
  for (const Wire wire : kWires) {
    const std::string body = Encoded(wire, {MakeText(Role::kUser, "go"), answer});
    EXPECT_THAT(body, AllOf(HasSubstr("uFFFD y"), Not(HasSubstr(R"(\ud83d y)")), Not(HasSubstr(R"(\uDE00)"))))
        << WireName(wire);
    EXPECT_THAT(body, HasSubstr("ud83d")) << "a whole one stays as the model wrote it";
  }
}

TEST(EveryWire, ArgumentsThatNameAMemberTwiceGoBackAsText) {
  const Message answer{
      .role = Role::kAssistant, .parts = {ToolCall{"c", "f", R"({"a":"one","a":"two"})", ""}}, .origin = "p/m"};
  for (const Wire wire : kWires) {
    const std::string body = Encoded(wire, {MakeText(Role::kUser, "go"), answer});
    EXPECT_THAT(body, AllOf(HasSubstr("invalid_json"), HasSubstr("one"), HasSubstr("two"))) << WireName(wire);
    EXPECT_TRUE(json::Document::Parse(body, "", {.unique_keys = true}).ok()) << WireName(wire);
  }
}

/// "CallAssembler.X" of every test in the sources, and "e2e: name" of those that drive the programs.
std::set<std::string> TestsIn(const std::filesystem::path& tests) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(tests, ignored)) {
    const std::string extension = entry.path().extension();
    if (extension != ".cc" && extension != ".bats") continue;
    const auto text = ReadFile(entry.path());
    if (!text.ok()) continue;
    for (const std::string_view line : Split(*text, '\n')) {
      if (line.starts_with("@test \"")) names.insert("e2e: " + std::string(line.substr(7, line.rfind('"') - 7)));
      if (!line.starts_with("TEST")) continue;
      const std::size_t open = line.find('(');
      const std::size_t comma = line.find(", ", open);
      const std::size_t close = line.find(')', comma);
      if (close == std::string_view::npos) continue;
      names.insert(std::string(line.substr(open + 1, comma - open - 1)) + "." +
                   std::string(line.substr(comma + 2, close - comma - 2)));
    }
  }
  return names;
}

TEST(Quirks, EachNamesATestThatExists) {
  const std::filesystem::path tests = std::filesystem::path(RUNE_SOURCE_DIR) / "tests";
  const auto table = ReadFile(tests / "unit/wires/QUIRKS.md");
  if (!table.ok()) GTEST_SKIP() << "the sources cannot be read: " << table.error().message;
  const std::set<std::string> known = TestsIn(tests);
  int quirks = 0;
  for (const std::string_view line : Split(*table, '\n')) {
    if (!line.starts_with("| Q")) continue;
    ++quirks;
    const std::string_view cells = line.substr(0, line.rfind('|'));
    const std::string_view held = cells.substr(cells.rfind('|') + 1);
    const auto pieces = Split(held, '`');
    EXPECT_GE(pieces.size(), 3U) << "no test: " << line;
    for (std::size_t i = 1; i < pieces.size(); i += 2) {
      EXPECT_TRUE(known.contains(std::string(pieces[i]))) << line.substr(0, 6) << " names `" << pieces[i] << "`";
    }
  }
  EXPECT_EQ(quirks, 58);
}

}  // namespace
}  // namespace rune::agent
