#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "agent/wires/codec.h"
#include "agent/wires/gemini_native.h"
#include "agent/wires/normalise.h"
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
    {"read_file", "Reads.", R"({"type":"object","properties":{"path":{"const":"x"}},"$schema":"y"})"}};
const std::vector<ToolSpec> kNone;
const Image kPng{"image/png", "\x89PNG"};
const std::string kPngPart = R"({"inlineData":{"mimeType":"image/png","data":"iVBORw=="}})";
const std::string kOld = "gemini-2.5-flash";
const std::string kNew = "gemini-3-pro-preview";

Caps Thinker(const std::string& style) {
  return {.wire = Wire::kGeminiNative, .thinking = true, .thinking_style = style};
}
std::string Encode(const std::string& model, const std::vector<Message>& messages,
                   const GenerationOptions& options = {}, const Caps& caps = {},
                   const std::vector<ToolSpec>& tools = kNone) {
  return EncodeGeminiNative(model, {.messages = messages, .tools = tools, .options = options}, caps).body;
}

TEST(GeminiEncode, AFirstRequestLooksLikeThis) {
  const std::vector<Message> messages{MakeText(Role::kSystem, "Be brief."), User("Hi")};
  const WireRequest request =
      CodecOf(Wire::kGeminiNative).encode(kOld, {.messages = messages, .tools = kTools, .options = {}}, Caps{});
  EXPECT_EQ(request.path, "/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
  EXPECT_EQ(request.body,
            R"({"generationConfig":{},"systemInstruction":{"parts":[{"text":"Be brief."}]},)"
            R"("tools":[{"functionDeclarations":[{"name":"read_file","description":"Reads.","parametersJsonSchema":)"
            R"({"type":"object","properties":{"path":{"enum":["x"]}}}}]}],)"
            R"("contents":[{"role":"user","parts":[{"text":"Hi"}]}]})");
}

TEST(GeminiEncode, TheModelIsPartOfThePathAndCannotLeaveIt) {
  const std::vector<Message> messages{User("Hi")};
  const auto path = [&](const std::string& model, bool stream = true) {
    return EncodeGeminiNative(model, {.messages = messages, .tools = kNone, .options = {.stream = stream}}, {}).path;
  };
  EXPECT_EQ(path("models/x"), "/models/x:streamGenerateContent?alt=sse");
  EXPECT_EQ(path("tunedModels/x"), "/tunedModels/x:streamGenerateContent?alt=sse");
  EXPECT_EQ(path("x?key=1\r\n#"), "/models/x%3Fkey%3D1%0D%0A%23:streamGenerateContent?alt=sse");
  EXPECT_EQ(path("x", false), "/models/x:generateContent");
}

TEST(GeminiEncode, OptionsAreSentOnlyWhenTheyAreSet) {
  EXPECT_THAT(Encode(kOld, {User("Hi")}), StartsWith(R"({"generationConfig":{},"contents")"));
  EXPECT_THAT(Encode(kOld, {User("Hi")}, {.max_output_tokens = 9, .temperature = 1.5, .seed = 3}),
              StartsWith(R"({"generationConfig":{"temperature":1.5,"seed":3,"maxOutputTokens":9},)"));
  EXPECT_THAT(Encode(kOld, {User("Hi")}, {.seed = (std::int64_t{1} << 40) + 5}), HasSubstr(R"("seed":5)"));
  EXPECT_THAT(Encode(kOld, {User("Hi")}, {.temperature = 1.5, .seed = 3}, {.temperature = false}),
              StartsWith(R"({"generationConfig":{},)"));
  EXPECT_THAT(Encode(kOld, {User("Hi")}, {}, {.default_max_tokens = 77}), HasSubstr(R"("maxOutputTokens":77)"));
}

TEST(GeminiEncode, ASchemaIsSentWhereToolsDoNotForbidIt) {
  const GenerationOptions options{.schema = R"({"type":"object","$id":"x"})"};
  const std::string wanted = R"("responseMimeType":"application/json","responseJsonSchema":{"type":"object"})";
  EXPECT_THAT(Encode(kOld, {User("Hi")}, options), HasSubstr(wanted));
  EXPECT_THAT(Encode(kOld, {User("Hi")}, options, {}, kTools), Not(HasSubstr("responseMimeType")));
  EXPECT_THAT(Encode(kNew, {User("Hi")}, options, {}, kTools), HasSubstr(wanted));
  EXPECT_THAT(Encode(kNew, {User("Hi")}, options, {.json_schema = false}), Not(HasSubstr("responseMimeType")));
}

TEST(GeminiEncode, ThinkingIsABudgetOrALevel) {
  const auto thinking = [](const std::string& model, const std::string& style, Thinking wanted) {
    return Encode(model, {User("Hi")}, {.thinking = wanted}, Thinker(style));
  };
  EXPECT_THAT(thinking(kOld, "budget", Thinking::kHigh), HasSubstr(R"("thinkingConfig":{"thinkingBudget":16384})"));
  EXPECT_THAT(thinking(kOld, "budget", Thinking::kOff), HasSubstr(R"("thinkingBudget":0)"));
  EXPECT_THAT(thinking("gemini-2.5-pro", "budget", Thinking::kOff), HasSubstr(R"("thinkingBudget":128)"));
  EXPECT_THAT(thinking(kNew, "level", Thinking::kXHigh), HasSubstr(R"("thinkingConfig":{"thinkingLevel":"HIGH"})"));
  EXPECT_THAT(thinking(kNew, "level", Thinking::kOff), HasSubstr(R"("thinkingLevel":"LOW")"));
  EXPECT_THAT(thinking(kNew, "level", Thinking::kDefault), Not(HasSubstr("thinking")));
  EXPECT_THAT(Encode(kNew, {User("Hi")}, {.thinking = Thinking::kHigh}), Not(HasSubstr("thinking")));
}

TEST(GeminiEncode, WithoutToolsNothingIsSaidAboutThem) {
  EXPECT_THAT(Encode(kOld, {User("Hi")}), Not(HasSubstr("tools")));
}

// calls and results.

TEST(GeminiEncode, ResultsOfATurnAreOneContentInTheOrderOfTheCalls) {
  EXPECT_THAT(
      Encode(kOld, {User("Hi"), Assistant({Text{"ok"}, ToolCall{"a", "f", R"({"x":1})"}, ToolCall{"b", "g", "{}"}}),
                    Results({ToolResult{"a", "f", "text"}, ToolResult{"b", "g", "bad", true}}), User("and now")}),
      HasSubstr(R"({"role":"model","parts":[{"text":"ok"},{"functionCall":{"name":"f","args":{"x":1}}},)"
                R"({"functionCall":{"name":"g","args":{}}}]},)"
                R"({"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"text"}}},)"
                R"({"functionResponse":{"name":"g","response":{"error":"bad"}}}]},)"
                R"({"role":"user","parts":[{"text":"and now"}]}]})"));
}

TEST(GeminiEncode, OnlyIdsOfItsOwnGoBackAndOnBothSides) {
  const std::string body =
      Encode(kNew, {User("Hi"),
                    Assistant({ToolCall{"call_1_1", "f", "{}", R"({"id":"i1","thoughtSignature":"S"})"},
                               ToolCall{"call_1_2", "g", "{}"}}),
                    Results({ToolResult{"call_1_1", "f", "r"}, ToolResult{"call_1_2", "g", "s"}})});
  EXPECT_THAT(body, HasSubstr(R"({"functionCall":{"id":"i1","name":"f","args":{}},"thoughtSignature":"S"})"));
  EXPECT_THAT(body, HasSubstr(R"({"functionResponse":{"id":"i1","name":"f")"));
  EXPECT_THAT(body, Not(HasSubstr("call_1")));
}

TEST(GeminiEncode, AForeignCallGetsTheWordThatStandsForASignatureFromGeneration3On) {
  const std::vector<Message> messages{User("Hi"), Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", "{}"}}),
                                      Results({ToolResult{"a", "f", "r"}, ToolResult{"b", "g", "s"}})};
  EXPECT_THAT(
      Encode(kNew, messages),
      HasSubstr(R"([{"functionCall":{"name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"},)"
                R"({"functionCall":{"name":"g","args":{}}}])"));
  EXPECT_THAT(Encode(kOld, messages), Not(HasSubstr("thoughtSignature")));
}

TEST(GeminiEncode, SignaturesGoBackOnTheirOwnParts) {
  EXPECT_THAT(Encode(kNew, {User("Hi"),
                            Assistant({Reasoning{"hm", R"({"text":"hm","thought":true,"thoughtSignature":"A"})"},
                                       Text{"x"}, Text{"y"}, Reasoning{"", R"({"thoughtSignature":"B"})"},
                                       Reasoning{"", R"({"text":"","thoughtSignature":"C"})"}}),
                            User("z")}),
              HasSubstr(R"("parts":[{"text":"hm","thought":true,"thoughtSignature":"A"},{"text":"x"},)"
                        R"({"text":"y","thoughtSignature":"B"},{"text":"","thoughtSignature":"C"}]})"));
}

TEST(GeminiEncode, WhatTheServerSentGoesBackToItsOwnModelOnly) {
  const auto decoder = CodecOf(Wire::kGeminiNative).decoder("text/event-stream", {});
  decoder->Feed(
      "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\",\"thoughtSignature\":\"c2ln+/==\"},"
      "{\"functionCall\":{\"name\":\"f\",\"args\":{}},\"thoughtSignature\":\"Y2Fs+/==\"}]},"
      "\"finishReason\":\"STOP\"}]}\r\n\r\n",
      nullptr);
  Message reply = decoder->Finish(nullptr).message;
  reply.origin = "p/m";
  std::vector<Message> history{User("Hi")};
  AdoptReply(reply, history);
  history.push_back(reply);
  history.push_back(Results({ToolResult{CallsOf(reply)[0].id, "f", "r"}}));
  EXPECT_THAT(Encode(kNew, Normalise(history, {.origin = "p/m"})),
              HasSubstr(R"([{"text":"x","thoughtSignature":"c2ln+/=="},)"
                        R"({"functionCall":{"name":"f","args":{}},"thoughtSignature":"Y2Fs+/=="}])"));
  EXPECT_THAT(Encode(kOld, Normalise(history, {.origin = "p/other"})), Not(HasSubstr("thoughtSignature")));
}

TEST(GeminiEncode, StateOfAnotherWireIsLeftOut) {
  EXPECT_THAT(Encode(kOld, {User("Hi"),
                            Assistant({Reasoning{"so", R"({"reasoning_content":"so"})"}, Text{"x"},
                                       Reasoning{"", R"({"type":"thinking","thinking":"t","signature":"s"})"}}),
                            User("y")}),
              HasSubstr(R"("parts":[{"text":"x"}])"));
}

TEST(GeminiEncode, EchoingIsASwitch) {
  EXPECT_THAT(
      Encode(kOld, {User("Hi"), Assistant({Text{"x"}, Reasoning{"", R"({"thoughtSignature":"B"})"}}), User("y")}, {},
             {.echo_reasoning = false}),
      Not(HasSubstr("thoughtSignature")));
}

// pictures.

TEST(GeminiEncode, APictureIsItsBytes) {
  EXPECT_THAT(Encode(kOld, {{.role = Role::kUser, .parts = {Text{"What?"}, kPng}}}),
              HasSubstr(R"("parts":[{"text":"What?"},)" + kPngPart + "]"));
}

TEST(GeminiEncode, AUrlAndAGifAreNamedAndNotSent) {
  const std::string body = Encode(kOld, {{.role = Role::kUser, .parts = {Image{"image/gif", "GIF8"}}}});
  EXPECT_THAT(body, HasSubstr("its format is GIF"));
  EXPECT_THAT(body, Not(AnyOf(HasSubstr("inlineData"), HasSubstr("fileData"))));
}

TEST(GeminiEncode, PicturesOfResultsAreInsideThemFromGeneration3On) {
  const std::vector<Message> messages{
      User("Hi"), Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", "{}"}}),
      Results({ToolResult{"a", "f", "seen", false, {kPng}}, ToolResult{"b", "g", "s"}})};
  EXPECT_THAT(Encode(kNew, messages), HasSubstr(R"("response":{"output":"seen"},"parts":[)" + kPngPart + "]}},"));
  const std::string behind = R"({"functionResponse":{"name":"g","response":{"output":"s"}}}]},)"
                             R"({"role":"user","parts":[{"text":"Pictures in the result of f:"},)" +
                             kPngPart + "]}";
  EXPECT_THAT(Encode(kOld, messages), HasSubstr(behind));
  EXPECT_THAT(Encode(kNew, messages, {}, {.tool_images = false}), HasSubstr(behind));
}

TEST(GeminiEncode, ResultsHoldNothingButBytes) {
  EXPECT_THAT(Encode(kNew, {User("Hi"), Assistant({ToolCall{"a", "f", "{}"}}),
                            Results({ToolResult{"a", "f", "r", false, {Image{"image/gif", "GIF8"}}}})}),
              HasSubstr(R"("response":{"output":"r"}}}]},{"role":"user","parts":[{"text":"Pictures)"));
}

TEST(GeminiEncode, TheGenerationIsInTheName) {
  EXPECT_EQ(GeminiGeneration("gemini-2.5-flash"), 2);
  EXPECT_EQ(GeminiGeneration("models/gemini-3-pro-preview"), 3);
  EXPECT_EQ(GeminiGeneration("gemini-3.1-pro"), 3);
  EXPECT_EQ(GeminiGeneration("gemini-10"), 10);
  EXPECT_EQ(GeminiGeneration("gemini-flash-latest"), 0);
  EXPECT_EQ(GeminiGeneration("gemma"), 0);
}

TEST(GeminiEncode, ARequestIsAPrefixOfTheNextOne) {
  for (const std::string& model : {kOld, kNew}) {
    std::vector<Message> history{MakeText(Role::kSystem, "S"), User("Hi")};
    std::string before;
    for (int turn = 0; turn < 8; ++turn) {
      const std::string request = Encode(model, Normalise(history, {.origin = "p/m"}), {}, {}, kTools);
      EXPECT_THAT(request, StartsWith(before));
      before = request.substr(0, request.size() - 2);
      const std::string id = turn % 2 == 0 ? "" : "i1";
      Message reply = Assistant({ToolCall{id, "read_file", turn == 3 ? "{bad" : "{}", R"({"thoughtSignature":"S"})"}});
      if (turn == 4) reply = Assistant({Text{"an answer"}, Reasoning{"", R"({"thoughtSignature":"B"})"}});
      AdoptReply(reply, history);
      history.push_back(reply);
      if (turn == 4) {
        history.push_back({.role = Role::kUser, .parts = {Text{"go on"}, kPng}});
      } else {
        history.push_back(Results({ToolResult{CallsOf(reply)[0].id, "read_file", "text\xFF", turn == 2, {kPng}}}));
      }
    }
  }
}

TEST(GeminiEncodeProperty, AnyHistoryKeepsTheRulesOfTheWire) {
  test::Histories histories(
      8, {"", "{}", R"({"thoughtSignature":"S"})", R"({"id":"i","thoughtSignature":"S"})", R"({"id":"i"})",
          R"({"text":"","thoughtSignature":"S"})", R"({"type":"thinking","thinking":"t","signature":"s"})", "{\"x\""});
  for (int round = 0; round < 10'000; ++round) {
    const std::string& model = round % 2 == 0 ? kOld : kNew;
    const auto history = Normalise(histories.Next(), {.origin = "p/m", .images = round % 7 != 0});
    const std::string body = Encode(model, history, {.thinking = Thinking::kHigh}, {.tool_images = round % 3 == 0},
                                    round % 4 == 0 ? kNone : kTools);
    ASSERT_EQ(test::GeminiRules(GeminiGeneration(model)).Broken(body), "") << body;
  }
}

}  // namespace
}  // namespace rune::agent
