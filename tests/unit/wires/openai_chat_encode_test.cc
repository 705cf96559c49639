#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "agent/wires/codec.h"
#include "agent/wires/normalise.h"
#include "tests/unit/wires/codec_fixture.h"

namespace rune::agent {
namespace {

using test::Assistant;
using test::Results;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::vector<ToolSpec> kTools{
    {"read_file", "Reads.", R"({"type":"object","properties":{"path":{"type":"string"}}})"}};

std::string Encode(const std::vector<Message>& messages, const GenerationOptions& options = {}, const Caps& caps = {}) {
  return CodecOf(Wire::kOpenAiChat).encode("m", {.messages = messages, .tools = kTools, .options = options}, caps).body;
}

TEST(ChatEncode, AFirstRequestLooksLikeThis) {
  EXPECT_EQ(Encode({MakeText(Role::kSystem, "Be brief."), MakeText(Role::kUser, "Hi")}),
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true},)"
            R"("tools":[{"type":"function","function":{"name":"read_file","description":"Reads.",)"
            R"("parameters":{"type":"object","properties":{"path":{"type":"string"}}}}}],)"
            R"("messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]})");
}

TEST(ChatEncode, CallsAndResultsArePairedById) {
  EXPECT_THAT(
      Encode({MakeText(Role::kUser, "Hi"),
              Assistant({ToolCall{"a", "read_file", R"({"path":"x"})"}, ToolCall{"b", "read_file", "{}"}}),
              Results({ToolResult{"a", "read_file", "text", false}, ToolResult{"b", "read_file", "no path", true}})}),
      HasSubstr(R"({"role":"assistant","content":null,"tool_calls":[)"
                R"({"id":"a","type":"function","function":{"name":"read_file","arguments":"{\"path\":\"x\"}"}},)"
                R"({"id":"b","type":"function","function":{"name":"read_file","arguments":"{}"}}]},)"
                R"({"role":"tool","tool_call_id":"a","content":"text"},)"
                R"({"role":"tool","tool_call_id":"b","content":"Error: no path"}])"));
}

TEST(ChatEncode, NullContentIsASwitch) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi"), Assistant({ToolCall{"a", "f", "{}"}})};
  EXPECT_THAT(Encode(messages, {}, {.null_content = false}), HasSubstr(R"("content":"","tool_calls")"));
}

TEST(ChatEncode, OptionsAreSentOnlyWhenTheyAreSet) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi")};
  EXPECT_THAT(Encode(messages), Not(testing::AnyOf(HasSubstr("temperature"), HasSubstr("seed"), HasSubstr("max_"),
                                                   HasSubstr("response_format"))));
  const std::string full =
      Encode(messages,
             {.max_output_tokens = 9, .temperature = 0.5, .seed = 3, .schema = R"({"type":"object"})", .stream = false},
             {.max_tokens_field = "max_completion_tokens"});
  EXPECT_THAT(
      full,
      StartsWith(
          R"({"model":"m","max_completion_tokens":9,"temperature":0.5,"seed":3,"response_format":)"
          R"({"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"}}},"stream":false,"tools":)"));
}

TEST(ChatEncode, UsageOfAStreamIsASwitch) {
  EXPECT_THAT(Encode({MakeText(Role::kUser, "Hi")}, {}, {.stream_usage = false}), Not(HasSubstr("stream_options")));
}

TEST(ChatEncode, WithoutToolsNothingIsSaidAboutThem) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi")};
  EXPECT_THAT(CodecOf(Wire::kOpenAiChat).encode("m", {.messages = messages, .tools = {}}, {}).body,
              Not(HasSubstr("tools")));
}

TEST(ChatEncode, ThoughtsGoBackBesideCallsOnly) {
  const Reasoning state{"so", R"({"reasoning_content":"so"})"};
  const std::vector<Message> with_calls{MakeText(Role::kUser, "Hi"), Assistant({state, ToolCall{"a", "f", "{}"}})};
  EXPECT_THAT(Encode(with_calls), HasSubstr(R"("content":null,"reasoning_content":"so","tool_calls")"));
  EXPECT_THAT(Encode({MakeText(Role::kUser, "Hi"), Assistant({state, Text{"x"}})}),
              Not(HasSubstr("reasoning_content")));
  EXPECT_THAT(Encode(with_calls, {}, {.echo_reasoning = false}), Not(HasSubstr("reasoning_content")));
}

TEST(ChatEncode, ReasoningDetailsGoBackAsTheyCame) {
  const std::string details = R"([{"type":"reasoning.text","text":"so","signature":"S","index":0}])";
  const std::string request =
      Encode({MakeText(Role::kUser, "Hi"),
              Assistant({Reasoning{"so", R"({"reasoning_details":)" + details + "}"}, Text{"x"}})});
  EXPECT_THAT(request, HasSubstr(R"("content":"x","reasoning_details":)" + details + "}"));
}

TEST(ChatEncode, SealedThoughtsGoBackWithTheirText) {
  const std::string state = R"({"reasoning_text":"so","reasoning_opaque":"S"})";
  EXPECT_THAT(Encode({MakeText(Role::kUser, "Hi"), Assistant({Reasoning{"so", state}, Text{"x"}})}),
              HasSubstr(R"("content":"x","reasoning_text":"so","reasoning_opaque":"S"})"));
}

TEST(ChatEncode, ASignatureGoesBackOnItsOwnCall) {
  const std::string extra = R"({"extra_content":{"google":{"thought_signature":"S"}}})";
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi"),
                                      Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", "{}", extra}})};
  EXPECT_THAT(Encode(messages), HasSubstr(R"({"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},)"
                                          R"({"id":"b","type":"function","function":{"name":"g","arguments":"{}"},)"
                                          R"("extra_content":{"google":{"thought_signature":"S"}}}])"));
  EXPECT_THAT(Encode(messages, {}, {.echo_reasoning = false}), Not(HasSubstr("extra_content")));
}

TEST(ChatEncode, StateOfAnotherWireStaysBehind) {
  const std::string request =
      Encode({MakeText(Role::kUser, "Hi"), Assistant({Reasoning{"", R"({"thoughtSignature":"S"})"},
                                                      ToolCall{"a", "f", "{}", R"({"thoughtSignature":"S"})"}})});
  EXPECT_THAT(request, Not(HasSubstr("thoughtSignature")));
}

const Image kPicture{.media_type = "image/png", .data = "\x89PNG"};
const std::string kPicturePart = R"({"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw=="}})";

TEST(ChatEncode, PicturesArePartsInTheirPlace) {
  const Message user{.role = Role::kUser, .parts = {Text{"a"}, kPicture, Text{"b"}}};
  EXPECT_THAT(Encode({user}), HasSubstr(R"({"role":"user","content":[{"type":"text","text":"a"},)" + kPicturePart +
                                        R"(,{"type":"text","text":"b"}]})"));
}

TEST(ChatEncode, PicturesOfResultsFollowBehindAllResultsOfTheTurn) {
  const std::vector<Message> messages{
      MakeText(Role::kUser, "Hi"), Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", "{}"}}),
      Results({ToolResult{.call_id = "a", .name = "f", .text = "seen", .images = {kPicture}},
               ToolResult{.call_id = "b", .name = "g", .text = "none"}})};
  const std::string behind = R"({"role":"tool","tool_call_id":"a","content":"seen"},)"
                             R"({"role":"tool","tool_call_id":"b","content":"none"},)"
                             R"({"role":"user","content":[{"type":"text","text":"Pictures in the result of f:"},)" +
                             kPicturePart;
  EXPECT_THAT(Encode(messages), HasSubstr(behind + "]}]}"));
  std::vector<Message> more = messages;
  more.push_back(MakeText(Role::kUser, "and?"));
  // One user message, not two in a row.
  EXPECT_THAT(Encode(more), HasSubstr(behind + R"(,{"type":"text","text":"and?"}]}]})"));
  more.back() = Assistant({Text{"nice"}});
  EXPECT_THAT(Encode(more), HasSubstr(behind + R"(]},{"role":"assistant","content":"nice"}]})"));
}

TEST(ChatEncode, TheSystemMessageIsTheDevelopersWhereThatIsItsName) {
  const std::vector<Message> messages{MakeText(Role::kSystem, "S"), MakeText(Role::kUser, "Hi")};
  EXPECT_THAT(Encode(messages), HasSubstr(R"({"role":"system","content":"S"})"));
  EXPECT_THAT(Encode(messages, {}, {.developer_role = true}), HasSubstr(R"({"role":"developer","content":"S"})"));
}

TEST(ChatEncode, TheEffortOfThinkingHasTwoShapes) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi")};
  const GenerationOptions high{.thinking = Thinking::kHigh};
  EXPECT_THAT(Encode(messages, high), Not(HasSubstr("reasoning")));
  EXPECT_THAT(Encode(messages, {}, {.thinking = true}), Not(HasSubstr("reasoning")));
  EXPECT_THAT(Encode(messages, high, {.thinking = true, .thinking_style = "effort"}),
              HasSubstr(R"("reasoning_effort":"high")"));
  EXPECT_THAT(Encode(messages, {.thinking = Thinking::kOff}, {.thinking = true, .thinking_style = "effort"}),
              HasSubstr(R"("reasoning_effort":"none")"));
  EXPECT_THAT(Encode(messages, high, {.thinking = true, .thinking_style = "openrouter"}),
              HasSubstr(R"("reasoning":{"effort":"high"})"));
}

TEST(ChatEncode, CachesAreHelpedWhereThatIsOffered) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi")};
  EXPECT_THAT(Encode(messages, {.cache_key = "k"}), Not(HasSubstr("cache")));
  EXPECT_THAT(Encode(messages, {.cache_key = "k"}, {.cache_key = true}), HasSubstr(R"("prompt_cache_key":"k")"));
  EXPECT_THAT(Encode(messages, {}, {.cache_key = true}), Not(HasSubstr("cache")));
  EXPECT_THAT(Encode(messages, {}, {.cache_marks = true}), HasSubstr(R"("cache_control":{"type":"ephemeral"})"));
}

TEST(ChatEncode, WhatAServerDoesNotTakeIsLeftOut) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi")};
  const GenerationOptions options{.temperature = 0.5, .seed = 3, .schema = R"({"type":"object"})"};
  EXPECT_THAT(Encode(messages, options, {.temperature = false}),
              Not(testing::AnyOf(HasSubstr("temperature"), HasSubstr("seed"))));
  EXPECT_THAT(Encode(messages, options, {.json_schema = false}), Not(HasSubstr("response_format")));
  EXPECT_THAT(Encode(messages, {}, {.default_max_tokens = 7}), HasSubstr(R"("max_tokens":7)"));
}

TEST(ChatEncode, ARequestIsAPrefixOfTheNextOne) {
  std::vector<Message> history{MakeText(Role::kSystem, "S"), MakeText(Role::kUser, "Hi")};
  std::string before;
  const NormaliseOptions options{.origin = "p/m"};
  for (int turn = 0; turn < 6; ++turn) {
    const std::string request = Encode(Normalise(history, options));
    if (!before.empty()) {
      EXPECT_THAT(request, StartsWith(before));
    }
    before = request.substr(0, request.size() - 2);
    const std::string id = turn % 2 == 0 ? "" : "call_1_1";  // synthesised and repeated ids must be stable, too
    Message reply = Assistant(
        {Reasoning{"t", R"({"reasoning_content":"t"})"}, ToolCall{id, "read_file", turn == 3 ? "{bad" : "{}"}});
    if (turn == 4) reply = Assistant({Text{"an answer"}});
    AdoptReply(reply, history);
    history.push_back(reply);
    if (turn == 4) {
      history.push_back(MakeText(Role::kUser, "go on"));
    } else {
      history.push_back(Results({ToolResult{CallsOf(reply)[0].id, "read_file", "text\xFF", turn == 2}}));
    }
  }
}

}  // namespace
}  // namespace rune::agent
