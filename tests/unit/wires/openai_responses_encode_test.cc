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
  return EncodeOpenAiResponses("m", {.messages = messages, .tools = kTools, .options = options}, caps).body;
}

const std::string kSealed = R"({"type":"reasoning","id":"rs","summary":[],"encrypted_content":"S"})";

TEST(ResponsesEncode, AFirstRequestLooksLikeThis) {
  EXPECT_EQ(Encode({MakeText(Role::kSystem, "Be brief."), MakeText(Role::kUser, "Hi")}),
            R"({"model":"m","store":false,"stream":true,"instructions":"Be brief.",)"
            R"("tools":[{"type":"function","name":"read_file","description":"Reads.",)"
            R"("parameters":{"type":"object","properties":{"path":{"type":"string"}}},"strict":false}],)"
            R"("input":[{"role":"user","content":[{"type":"input_text","text":"Hi"}]}]})");
}

TEST(ResponsesEncode, CallsAndResultsAreItemsOfTheirOwn) {
  EXPECT_THAT(
      Encode({MakeText(Role::kUser, "Hi"), Assistant({Text{"I look"}, ToolCall{"a", "read_file", R"({"path":"x"})"}}),
              Results({ToolResult{"a", "read_file", "no path", true}})}),
      HasSubstr(R"({"type":"message","role":"assistant","content":"I look"},)"
                R"({"type":"function_call","call_id":"a","name":"read_file","arguments":"{\"path\":\"x\"}"},)"
                R"({"type":"function_call_output","call_id":"a","output":"Error: no path"}]})"));
}

TEST(ResponsesEncode, ThoughtsGoBackBeforeWhatCameOfThem) {
  const std::vector<Message> messages{
      MakeText(Role::kUser, "Hi"),
      Assistant({Reasoning{"so", kSealed}, ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", "{}"}})};
  EXPECT_THAT(Encode(messages), HasSubstr(kSealed + R"(,{"type":"function_call","call_id":"a")"));
  EXPECT_THAT(Encode(messages, {}, {.echo_reasoning = false}), Not(HasSubstr("encrypted_content")));
}

TEST(ResponsesEncode, AThoughtThatNothingCameOfIsLeftOut) {
  EXPECT_THAT(Encode({MakeText(Role::kUser, "Hi"), Assistant({Text{"cut"}, Reasoning{"so", kSealed}})}),
              Not(HasSubstr("encrypted_content")));
}

TEST(ResponsesEncode, StateOfAnotherWireStaysBehind) {
  EXPECT_THAT(
      Encode({MakeText(Role::kUser, "Hi"),
              Assistant({Reasoning{"", R"({"thoughtSignature":"T"})"}, Reasoning{"", R"({"type":"thinking","x":1})"},
                         ToolCall{"a", "f", "{}", R"({"thoughtSignature":"T"})"}})}),
      Not(testing::AnyOf(HasSubstr("thoughtSignature"), HasSubstr("thinking"))));
}

TEST(ResponsesEncode, APhaseGoesBackWithItsText) {
  EXPECT_THAT(Encode({MakeText(Role::kUser, "Hi"), Assistant({Reasoning{"", R"({"phase":"commentary"})"},
                                                              Text{"I look"}, Reasoning{"", kSealed}, Text{"x"}})}),
              HasSubstr(R"({"type":"message","role":"assistant","content":"I look","phase":"commentary"},)" + kSealed +
                        R"(,{"type":"message","role":"assistant","content":"x"}]})"));
}

TEST(ResponsesEncode, SealedThoughtsAreAskedForWhereModelsThink) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi")};
  EXPECT_THAT(Encode(messages), Not(HasSubstr("include")));
  EXPECT_THAT(Encode(messages, {}, {.thinking = true}), HasSubstr(R"("include":["reasoning.encrypted_content"])"));
  EXPECT_THAT(Encode(messages, {}, {.thinking = true, .echo_reasoning = false}), Not(HasSubstr("include")));
  EXPECT_THAT(Encode(messages, {.thinking = Thinking::kXHigh}, {.thinking = true}),
              HasSubstr(R"("reasoning":{"effort":"xhigh"})"));
  EXPECT_THAT(Encode(messages, {.thinking = Thinking::kXHigh}), Not(HasSubstr("reasoning")));
}

TEST(ResponsesEncode, OptionsAreSentOnlyWhenTheyAreSet) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi")};
  EXPECT_THAT(Encode(messages), Not(testing::AnyOf(HasSubstr("temperature"), HasSubstr("max_"), HasSubstr("format"),
                                                   HasSubstr("cache"), HasSubstr("seed"))));
  EXPECT_THAT(
      Encode(messages,
             {.max_output_tokens = 99,
              .temperature = 0.5,
              .schema = R"({"type":"object"})",
              .stream = false,
              .cache_key = "k"},
             {.cache_key = true}),
      StartsWith(
          R"({"model":"m","max_output_tokens":99,"temperature":0.5,"text":{"format":{"type":"json_schema","name":"answer",)"
          R"("schema":{"type":"object"}}},"store":false,"prompt_cache_key":"k","stream":false,"tools":)"));
  EXPECT_THAT(Encode(messages, {.max_output_tokens = 3}), HasSubstr(R"("max_output_tokens":16)"));
  EXPECT_THAT(Encode(messages, {.temperature = 0.5}, {.temperature = false}), Not(HasSubstr("temperature")));
}

TEST(ResponsesEncode, WithoutToolsNothingIsSaidAboutThem) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi")};
  EXPECT_THAT(CodecOf(Wire::kOpenAiResponses).encode("m", {.messages = messages, .tools = {}}, {}).body,
              Not(HasSubstr("tools")));
}

const Image kPicture{.media_type = "image/png", .data = "\x89PNG"};
const std::string kPicturePart =
    R"({"type":"input_image","image_url":"data:image/png;base64,iVBORw==","detail":"auto"})";

TEST(ResponsesEncode, PicturesArePartsInTheirPlace) {
  const Message user{.role = Role::kUser, .parts = {Text{"a"}, kPicture, Text{"b"}}};
  EXPECT_THAT(Encode({user}), HasSubstr(R"([{"type":"input_text","text":"a"},)" + kPicturePart +
                                        R"(,{"type":"input_text","text":"b"}])"));
}

TEST(ResponsesEncode, PicturesOfAResultStandInIt) {
  const std::vector<Message> messages{
      MakeText(Role::kUser, "Hi"), Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", "{}"}}),
      Results({ToolResult{.call_id = "a", .name = "f", .text = "seen", .images = {kPicture}},
               ToolResult{.call_id = "b", .name = "g", .text = "none"}})};
  EXPECT_THAT(Encode(messages), HasSubstr(R"("call_id":"a","output":[{"type":"input_text","text":"seen"},)" +
                                          kPicturePart + R"(]},{"type":"function_call_output","call_id":"b")"));
  EXPECT_THAT(Encode(messages, {}, {.tool_images = false}),
              HasSubstr(R"("call_id":"a","output":"seen"},{"type":"function_call_output","call_id":"b",)"
                        R"("output":"none"},{"role":"user","content":[)"
                        R"({"type":"input_text","text":"Pictures in the result of f:"},)" +
                        kPicturePart + "]}]}"));
}

TEST(ResponsesEncode, ARequestIsAPrefixOfTheNextOne) {
  std::vector<Message> history{MakeText(Role::kSystem, "S"), MakeText(Role::kUser, "Hi")};
  std::string before;
  const NormaliseOptions options{.origin = "p/m"};
  for (int turn = 0; turn < 6; ++turn) {
    const std::string request = Encode(Normalise(history, options), {.cache_key = "k"}, {.thinking = true});
    if (!before.empty()) {
      EXPECT_THAT(request, StartsWith(before));
    }
    before = request.substr(0, request.size() - 2);
    Message reply = Assistant({Reasoning{"t", kSealed}, ToolCall{"", "read_file", turn == 3 ? "{bad" : "{}"}});
    if (turn == 4) reply = Assistant({Reasoning{"t", kSealed}, Text{"an answer"}});
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
