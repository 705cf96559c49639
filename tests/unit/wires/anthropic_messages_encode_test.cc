#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "agent/wires/codec.h"
#include "agent/wires/normalise.h"
#include "tests/unit/wires/anthropic_fixtures.h"
#include "tests/unit/wires/codec_fixture.h"
#include "tests/unit/wires/histories.h"
#include "tests/unit/wires/wire_rules.h"

namespace rune::agent {
namespace {

using test::Assistant;
using test::Results;
using test::User;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::vector<ToolSpec> kTools{
    {"read_file", "Reads.", R"({"type":"object","properties":{"path":{"type":"string"}}})"}, {"list", "", "{}"}};
const std::vector<ToolSpec> kNone;
const std::string kMark = R"("cache_control":{"type":"ephemeral"})";
const Image kPng{"image/png", "\x89PNG"};

Caps Plain() { return {.wire = Wire::kAnthropicMessages}; }
Caps Marked() { return {.wire = Wire::kAnthropicMessages, .cache_marks = true}; }
Caps Thinker(const std::string& style) {
  return {.wire = Wire::kAnthropicMessages, .default_max_tokens = 40000, .thinking = true, .thinking_style = style};
}
std::string Encode(const std::vector<Message>& messages, const Caps& caps = Plain(),
                   const GenerationOptions& options = {}, const std::vector<ToolSpec>& tools = kTools) {
  return EncodeAnthropicMessages("m", {.messages = messages, .tools = tools, .options = options}, caps).body;
}
std::size_t Count(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}
std::string WithoutMarks(std::string body) {
  for (const std::string& mark : {"," + kMark, kMark + ",", kMark}) {
    for (std::size_t at = body.find(mark); at != std::string::npos; at = body.find(mark)) body.erase(at, mark.size());
  }
  return body;
}

TEST(AnthropicEncode, AFirstRequestLooksLikeThis) {
  const std::vector<Message> messages{MakeText(Role::kSystem, "Be brief."), User("Hi")};
  const WireRequest request = CodecOf(Wire::kAnthropicMessages)
                                  .encode("claude-x", {.messages = messages, .tools = kTools, .options = {}}, Plain());
  EXPECT_EQ(request.body,
            R"({"model":"claude-x","max_tokens":8192,"stream":true,"system":[{"type":"text","text":"Be brief."}],)"
            R"("tools":[{"name":"read_file","description":"Reads.","input_schema":)"
            R"({"type":"object","properties":{"path":{"type":"string"}}}},)"
            R"({"name":"list","description":"","input_schema":{}}],)"
            R"("messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]})");
}

TEST(AnthropicEncode, ResultsAreOneTurnInWhichTheUsersWordsComeLast) {
  EXPECT_THAT(Encode({User("Hi"), Assistant({Text{"ok"}, ToolCall{"a", "f", R"({"x":1})"}, ToolCall{"b", "g", "{}"}}),
                      Results({ToolResult{"a", "f", "text"}, ToolResult{"b", "g", "bad", true}}), User("and now")}),
              HasSubstr(R"({"role":"assistant","content":[{"type":"text","text":"ok"},)"
                        R"({"type":"tool_use","id":"a","name":"f","input":{"x":1}},)"
                        R"({"type":"tool_use","id":"b","name":"g","input":{}}]},)"
                        R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"text"},)"
                        R"({"type":"tool_result","tool_use_id":"b","content":"bad","is_error":true},)"
                        R"({"type":"text","text":"and now"}]}]})"));
}

TEST(AnthropicEncode, AnErrorIsNeverEmptyAndATextNeverBlank) {
  const std::string body = Encode(
      {User("Hi"), Assistant({Text{" \n"}, ToolCall{"a", "f", "{}"}}), Results({ToolResult{"a", "f", "", true}})});
  EXPECT_THAT(body, HasSubstr(R"("content":"error","is_error":true)"));
  EXPECT_THAT(body, HasSubstr(R"("assistant","content":[{"type":"tool_use")"));
}

// thoughts.

const std::string kThought = R"({"type":"thinking","thinking":"so \"it\"","signature":"S=="})";
const std::string kRedacted = R"({"type":"redacted_thinking","data":"QUJD"})";

TEST(AnthropicEncode, ThoughtsGoBackAsTheyCameAndInTheirPlaces) {
  EXPECT_THAT(Encode({User("Hi"),
                      Assistant({Reasoning{"so", kThought}, Reasoning{"", kRedacted}, Text{"x"},
                                 Reasoning{"so", kThought}, ToolCall{"a", "f", "{}"}}),
                      Results({ToolResult{"a", "f", "r"}})}),
              HasSubstr(R"("content":[)" + kThought + "," + kRedacted + R"(,{"type":"text","text":"x"},)" + kThought +
                        R"(,{"type":"tool_use")"));
}

TEST(AnthropicEncode, WhatTheServerSentGoesBackByteForByte) {
  using namespace test::anthropic;
  const Decoded decoded = Decode(Start() + kThinking + Signature("c2ln+/==") + EndOf(0) +
                                 Block(1, R"({"type":"redacted_thinking","data":"QUJD"})") + Say("x", 2) +
                                 Call(3, "a", "{}") + End("tool_use"));
  Message reply = decoded.message;
  reply.origin = "p/m";
  const std::vector<Message> history{User("Hi"), reply, Results({ToolResult{"a", "f", "r"}})};
  EXPECT_THAT(Encode(Normalise(history, {.origin = "p/m"})),
              HasSubstr(R"({"type":"thinking","thinking":"so it \"is\"","signature":"c2ln+/=="},)" + kRedacted));
  EXPECT_THAT(Encode(Normalise(history, {.origin = "p/other"})), Not(HasSubstr("thinking")));
}

TEST(AnthropicEncode, StateOfAnotherWireIsLeftOut) {
  EXPECT_THAT(Encode({User("Hi"), Assistant({Reasoning{"so", R"({"reasoning_content":"so"})"}, Text{"x"}}), User("y")}),
              Not(HasSubstr("reasoning_content")));
}

TEST(AnthropicEncode, EchoingIsASwitch) {
  Caps caps = Plain();
  caps.echo_reasoning = false;
  EXPECT_THAT(Encode({User("Hi"), Assistant({Reasoning{"so", kThought}, Text{"x"}}), User("y")}, caps),
              Not(HasSubstr("signature")));
}

TEST(AnthropicEncode, ABudgetStaysBelowTheCapOfTheAnswer) {
  EXPECT_THAT(Encode({User("Hi")}, Thinker("budget"), {.thinking = Thinking::kHigh}),
              HasSubstr(R"("max_tokens":40000,"thinking":{"type":"enabled","budget_tokens":16384})"));
  EXPECT_THAT(Encode({User("Hi")}, Thinker("budget"), {.max_output_tokens = 4000, .thinking = Thinking::kXHigh}),
              HasSubstr(R"("budget_tokens":2000)"));
  EXPECT_THAT(Encode({User("Hi")}, Thinker("budget"), {.max_output_tokens = 2000, .thinking = Thinking::kXHigh}),
              Not(HasSubstr("thinking")));
}

/// "max_tokens budget_tokens" of what goes to a model that the table knows.
std::string Room(const std::string& model, Thinking thinking, std::uint64_t asked = 0) {
  const std::string body =
      Encode({User("Hi")}, LookUpCaps("anthropic", "", model), {.max_output_tokens = asked, .thinking = thinking});
  const auto document = json::Document::Parse(body);
  const json::View root = document->root();
  return root["max_tokens"].Dump() + " " + root["thinking"]["budget_tokens"].Dump();
}

TEST(AnthropicEncode, ABudgetRaisesTheCapThatNobodySet) {
  EXPECT_EQ(Room("claude-sonnet-4-5", Thinking::kDefault), "16384 null");
  EXPECT_EQ(Room("claude-sonnet-4-5", Thinking::kLow), "16384 4096");
  EXPECT_EQ(Room("claude-sonnet-4-5", Thinking::kMedium), "16384 8192");
  EXPECT_EQ(Room("claude-sonnet-4-5", Thinking::kHigh), "32768 16384");
  EXPECT_EQ(Room("claude-sonnet-4-5", Thinking::kXHigh), "64000 32000");
  EXPECT_EQ(Room("claude-opus-4-1", Thinking::kXHigh), "32000 16000") << "it gives out no more";
  EXPECT_EQ(Room("claude-sonnet-4-5", Thinking::kXHigh, 20'000), "20000 10000") << "a cap that was set stays";
  Caps caps = LookUpCaps("anthropic", "", "claude-sonnet-4-5");
  EXPECT_TRUE(Degrade(caps, "max_tokens: 64000 > 32000, which is the maximum allowed"));
  EXPECT_THAT(Encode({User("Hi")}, caps, {.thinking = Thinking::kXHigh}),
              HasSubstr(R"("max_tokens":4096,"thinking":{"type":"enabled","budget_tokens":2048})"));
}

TEST(AnthropicEncode, WithoutAWordAboutThinkingNothingIsSaid) {
  for (const std::string style : {"budget", "adaptive", "effort"}) {
    EXPECT_THAT(Encode({User("Hi")}, Thinker(style)), Not(AnyOf(HasSubstr("thinking"), HasSubstr("effort")))) << style;
  }
  EXPECT_THAT(Encode({User("Hi")}, Plain(), {.thinking = Thinking::kHigh}), Not(HasSubstr("thinking")));
}

TEST(AnthropicEncode, AdaptiveThinkingHasAnEffort) {
  EXPECT_THAT(Encode({User("Hi")}, Thinker("adaptive"), {.thinking = Thinking::kMedium}),
              HasSubstr(R"("thinking":{"type":"adaptive"},"output_config":{"effort":"medium"})"));
  EXPECT_THAT(Encode({User("Hi")}, Thinker("adaptive"), {.thinking = Thinking::kXHigh}),
              HasSubstr(R"("effort":"max")"));
  EXPECT_THAT(Encode({User("Hi")}, Thinker("adaptive"), {.thinking = Thinking::kOff}),
              HasSubstr(R"("thinking":{"type":"disabled"})"));
}

TEST(AnthropicEncode, ABudgetIsNotSentInTheMiddleOfCallsThatBeganWithoutAThought) {
  const Message results = Results({ToolResult{"a", "f", "r"}});
  const GenerationOptions high{.thinking = Thinking::kHigh};
  const ToolCall call{"a", "f", "{}"};
  EXPECT_THAT(Encode({User("Hi"), Assistant({call}), results}, Thinker("budget"), high), Not(HasSubstr("budget")));
  EXPECT_THAT(Encode({User("Hi"), Assistant({Reasoning{"so", kThought}, call}), results}, Thinker("budget"), high),
              HasSubstr("budget"));
  EXPECT_THAT(
      Encode({User("Hi"), Assistant({call}), results, Assistant({Text{"x"}}), User("y")}, Thinker("budget"), high),
      HasSubstr("budget"));
}

TEST(AnthropicEncode, TemperatureIsNeverSentBesideThinkingNorUnasked) {
  EXPECT_THAT(Encode({User("Hi")}), Not(HasSubstr("temperature")));
  EXPECT_THAT(Encode({User("Hi")}, Plain(), {.temperature = 0.5}), HasSubstr(R"("temperature":0.5)"));
  EXPECT_THAT(Encode({User("Hi")}, Plain(), {.temperature = 1.7}), HasSubstr(R"("temperature":1,)"));
  for (const std::string style : {"budget", "adaptive"}) {
    EXPECT_THAT(Encode({User("Hi")}, Thinker(style), {.temperature = 0.5, .thinking = Thinking::kHigh}),
                Not(HasSubstr("temperature")));
  }
  Caps caps = Plain();
  caps.temperature = false;
  EXPECT_THAT(Encode({User("Hi")}, caps, {.temperature = 0.5}), Not(HasSubstr("temperature")));
}

TEST(AnthropicEncode, ACapOfTheAnswerIsAlwaysSent) {
  EXPECT_THAT(Encode({User("Hi")}), HasSubstr(R"("max_tokens":8192)"));
  EXPECT_THAT(Encode({User("Hi")}, Thinker("")), HasSubstr(R"("max_tokens":40000)"));
  EXPECT_THAT(Encode({User("Hi")}, Thinker(""), {.max_output_tokens = 7}), HasSubstr(R"("max_tokens":7,)"));
}

TEST(AnthropicEncode, ASchemaAsksForItsAnswer) {
  const GenerationOptions options{.schema = R"({"type":"object"})"};
  EXPECT_THAT(Encode({User("Hi")}, Plain(), options),
              HasSubstr(R"("output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}})"));
  Caps caps = Plain();
  caps.json_schema = false;
  EXPECT_THAT(Encode({User("Hi")}, caps, options), Not(HasSubstr("output_config")));
}

TEST(AnthropicEncode, ASeedIsNotOfThisWire) {
  EXPECT_THAT(Encode({User("Hi")}, Plain(), {.seed = 3}), Not(HasSubstr("seed")));
}

TEST(AnthropicEncode, CallsInAConversationWithoutToolsBringATool) {
  EXPECT_THAT(Encode({User("Hi")}, Plain(), {}, kNone), Not(HasSubstr("tools")));
  EXPECT_THAT(Encode({User("Hi"), Assistant({ToolCall{"a", "f", "{}"}}), Results({ToolResult{"a", "f", "r"}})}, Plain(),
                     {}, kNone),
              HasSubstr(R"("input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"none"})"));
}

// pictures.

TEST(AnthropicEncode, APictureIsItsBytes) {
  const Message asked{.role = Role::kUser, .parts = {Text{"What?"}, kPng}};
  EXPECT_THAT(Encode({asked}), HasSubstr(R"([{"type":"text","text":"What?"},{"type":"image","source":{"type":"base64",)"
                                         R"("media_type":"image/png","data":"iVBORw=="}}])"));
}

TEST(AnthropicEncode, PicturesOfResultsAreInsideThem) {
  EXPECT_THAT(
      Encode({User("Hi"), Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"b", "f", "{}"}}),
              Results({ToolResult{"a", "f", "seen", false, {kPng}}, ToolResult{"b", "f", "", true, {kPng}}})}),
      HasSubstr(R"([{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"seen"},)"
                R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw=="}}]},)"
                R"({"type":"tool_result","tool_use_id":"b","content":[{"type":"text","text":"error"},{"type":"image",)"
                R"("source":{"type":"base64","media_type":"image/png","data":"iVBORw=="}}],"is_error":true}])"));
}

TEST(AnthropicEncode, WhereResultsHoldNoPicturesTheyComeBehindAllOfThem) {
  Caps caps = Plain();
  caps.tool_images = false;
  EXPECT_THAT(Encode({User("Hi"), Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", "{}"}}),
                      Results({ToolResult{"a", "f", "seen", false, {kPng}}, ToolResult{"b", "g", "x"}})},
                     caps),
              HasSubstr(R"("content":"seen"},{"type":"tool_result","tool_use_id":"b","content":"x"},)"
                        R"({"type":"text","text":"Pictures in the result of f:"},{"type":"image")"));
}

// what a cache can use.

TEST(AnthropicEncode, MarksStandBehindTheSystemPromptAndTheLastTwoTurns) {
  const std::vector<Message> messages{MakeText(Role::kSystem, "S"),
                                      User("one"),
                                      Assistant({ToolCall{"a", "f", "{}"}}),
                                      Results({ToolResult{"a", "f", "two"}}),
                                      Assistant({Text{"x"}}),
                                      User("three")};
  const std::string body = Encode(messages, Marked());
  EXPECT_EQ(Count(body, kMark), 3u);
  EXPECT_THAT(body, HasSubstr(R"("text":"S",)" + kMark));
  EXPECT_THAT(body, HasSubstr(R"("content":"two",)" + kMark));
  EXPECT_THAT(body, HasSubstr(R"("text":"three",)" + kMark));
  EXPECT_THAT(Encode(messages), Not(HasSubstr("cache_control")));
}

TEST(AnthropicEncode, WithoutASystemPromptTheLastToolIsMarked) {
  EXPECT_THAT(Encode({User("Hi")}, Marked()), HasSubstr(R"("input_schema":{},)" + kMark + "}]"));
}

TEST(AnthropicEncode, AMarkOnAResultWithPicturesIsOnTheResult) {
  const std::string body =
      Encode({User("Hi"), Assistant({ToolCall{"a", "f", "{}"}}), Results({ToolResult{"a", "f", "x", false, {kPng}}})},
             Marked());
  EXPECT_THAT(body, HasSubstr(R"("data":"iVBORw=="}}],)" + kMark + "}]}]}"));
}

/// What request k and k+1 have in common reaches as far as it can.
void ExpectAStablePrefix(const Caps& caps) {
  std::vector<Message> history{MakeText(Role::kSystem, "S"), User("Hi")};
  std::string before;
  std::string marked_before;
  for (int turn = 0; turn < 8; ++turn) {
    const std::string marked = Encode(Normalise(history, {.origin = "p/m"}), caps);
    const std::string request = WithoutMarks(marked);
    EXPECT_THAT(request, StartsWith(before));
    before = request.substr(0, request.size() - 2);
    if (!marked_before.empty()) {
      // The marked bytes are the same, too, up to the first mark that has moved.
      const std::size_t common = static_cast<std::size_t>(
          std::mismatch(marked.begin(), marked.end(), marked_before.begin(), marked_before.end()).first -
          marked.begin());
      EXPECT_GE(common, marked_before.find("\"messages\""));
    }
    marked_before = marked;
    const std::string id = turn % 2 == 0 ? "" : "call_1_1";  // synthesised and repeated ids must be stable, too
    Message reply = Assistant({Reasoning{"so", kThought}, ToolCall{id, "read_file", turn == 3 ? "{bad" : "{}"}});
    if (turn == 4) reply = Assistant({Text{"an answer"}});
    AdoptReply(reply, history);
    history.push_back(reply);
    if (turn == 4) {
      history.push_back({.role = Role::kUser, .parts = {Text{"go on"}, kPng}});
    } else {
      history.push_back(Results({ToolResult{CallsOf(reply)[0].id, "read_file", "text\xFF", turn == 2, {kPng}}}));
      if (turn == 5) history.push_back(User("steer"));
    }
  }
}

TEST(AnthropicEncode, ARequestIsAPrefixOfTheNextOne) { ExpectAStablePrefix(Plain()); }
TEST(AnthropicEncode, ARequestIsAPrefixOfTheNextOneButForTheMarks) { ExpectAStablePrefix(Marked()); }

TEST(AnthropicEncodeProperty, AnyHistoryKeepsTheRulesOfTheWire) {
  test::Histories histories(7, {"", kThought, kRedacted, "{}", R"({"thoughtSignature":"S"})", "{\"x\""});
  for (int round = 0; round < 10'000; ++round) {
    Caps caps = round % 3 == 0 ? Marked() : Thinker(round % 3 == 1 ? "budget" : "adaptive");
    caps.tool_images = round % 2 == 0;
    const auto history = Normalise(histories.Next(), {.origin = "p/m", .images = round % 7 != 0});
    const std::string body =
        Encode(history, caps, {.temperature = 0.5, .thinking = Thinking::kHigh}, round % 4 == 0 ? kNone : kTools);
    ASSERT_EQ(test::AnthropicRules().Broken(body), "") << body;
  }
}

}  // namespace
}  // namespace rune::agent
