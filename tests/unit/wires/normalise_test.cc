#include "agent/wires/normalise.h"

#include <gmock/gmock.h>

#include <random>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "agent/wires/call_assembler.h"
#include "sandbox/base/text.h"
#include "tests/unit/wires/histories.h"

namespace rune::agent {
namespace {

using testing::ElementsAre;

const NormaliseOptions kOptions{.origin = "p/m"};

Message User(const std::string& text) { return MakeText(Role::kUser, text); }
Message Assistant(std::vector<Part> parts, std::string origin = "p/m") {
  return {.role = Role::kAssistant, .parts = std::move(parts), .origin = std::move(origin)};
}
Message Tool(std::vector<Part> parts) { return {.role = Role::kTool, .parts = std::move(parts)}; }

/// "user:hi", "assistant:text f#a{}", "tool:a=text b!text" ("!" marks an error).
std::vector<std::string> Show(const std::vector<Message>& messages) {
  constexpr std::array<const char*, 4> kRoles{"system", "user", "assistant", "tool"};
  std::vector<std::string> lines;
  for (const Message& message : messages) {
    std::string line = std::string(kRoles[static_cast<std::size_t>(message.role)]) + ":";
    for (const Part& part : message.parts) {
      if (line.back() != ':') line += " ";
      if (const auto* const text = std::get_if<Text>(&part)) line += text->text;
      if (const auto* const thought = std::get_if<Reasoning>(&part)) line += "<" + thought->opaque + ">";
      if (const auto* const call = std::get_if<ToolCall>(&part)) line += call->name + "#" + call->id + call->args;
      if (const auto* const result = std::get_if<ToolResult>(&part)) {
        line += result->call_id + (result->is_error ? "!" : "=") + result->text;
      }
    }
    lines.push_back(line);
  }
  return lines;
}
std::vector<std::string> Normalised(const std::vector<Message>& messages) {
  return Show(Normalise(messages, kOptions));
}

TEST(Normalise, AGoodHistoryStaysAsItIs) {
  const std::vector<Message> history{MakeText(Role::kSystem, "s"),
                                     User("u"),
                                     Assistant({Text{"t"}, ToolCall{"a", "f", "{}"}}),
                                     Tool({ToolResult{"a", "f", "r"}}),
                                     Assistant({Text{"done"}}),
                                     User("v")};
  EXPECT_EQ(Normalised(history), Show(history));
}

TEST(Normalise, MalformedTextAndNulAreReplaced) {
  const std::vector<Message> history{User(std::string("a\xFF\0b\xED\xA0\x80", 7)),
                                     Assistant({Text{"\xC3"}, ToolCall{"a", "f", "{\"x\":\"\xFF\"}"}}),
                                     Tool({ToolResult{"a", "f", std::string("r\0", 2)}})};
  for (const std::string& line : Normalised(history)) {
    EXPECT_TRUE(IsValidUtf8(line)) << line;
    EXPECT_EQ(line.find('\0'), std::string::npos);
  }
}

TEST(Normalise, MessagesWithNothingInThemAreDropped) {
  EXPECT_THAT(Normalised({User("u"), Assistant({}), Assistant({Text{""}}), User(""), User("v")}),
              ElementsAre("user:u\n\nv"));
}

TEST(Normalise, ACallWithoutAResultGetsOne) {
  EXPECT_THAT(Normalised({User("u"), Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", "{}"}}),
                          Tool({ToolResult{"a", "f", "r"}}), User("v")}),
              ElementsAre("user:u", "assistant:f#a{} g#b{}", "tool:a=r b!no result: the call was cancelled", "user:v"));
  EXPECT_THAT(Normalised({User("u"), Assistant({ToolCall{"a", "f", "{}"}})}),
              ElementsAre("user:u", "assistant:f#a{}", "tool:a!no result: the call was cancelled"));
}

TEST(Normalise, AResultWithoutACallBecomesText) {
  EXPECT_THAT(Normalised({Tool({ToolResult{"z", "f", "r"}}), User("u")}),
              ElementsAre("user:[result of an earlier call of f] r\n\nu"));
  EXPECT_THAT(Normalised({User("u"), Assistant({ToolCall{"a", "f", "{}"}}),
                          Tool({ToolResult{"a", "f", "r"}, ToolResult{"a", "f", "again"}})}),
              ElementsAre("user:u", "assistant:f#a{}", "tool:a=r", "user:[result of an earlier call of f] again"));
}

TEST(Normalise, ResultsComeInTheOrderOfTheCallsAndBeforeAnythingElse) {
  EXPECT_THAT(Normalised({User("u"), Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", "{}"}}),
                          Tool({ToolResult{"b", "g", "2"}}), User("steer"), Tool({ToolResult{"a", "f", "1"}})}),
              ElementsAre("user:u", "assistant:f#a{} g#b{}", "tool:a=1 b=2", "user:steer"));
}

TEST(Normalise, IdsAreUniqueAndLegalAndTheResultsFollow) {
  EXPECT_THAT(
      Normalised(
          {User("u"), Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"a", "g", "{}"}, ToolCall{"", "h", "{}"}}),
           Tool({ToolResult{"a", "f", "1"}, ToolResult{"a", "g", "2"}, ToolResult{"", "h", "3"}}),
           Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"x.y", "f", "{}"}, ToolCall{std::string(41, 'l'), "f", "{}"}}),
           Tool({ToolResult{"a", "f", "4"}, ToolResult{"x.y", "f", "5"}, ToolResult{std::string(41, 'l'), "f", "6"}})}),
      ElementsAre("user:u", "assistant:f#a{} g#call_1_2{} h#call_1_3{}", "tool:a=1 call_1_2=2 call_1_3=3",
                  "assistant:f#call_2_1{} f#call_2_2{} f#call_2_3{}", "tool:call_2_1=4 call_2_2=5 call_2_3=6"));
}

TEST(Normalise, IdsOfNineLettersAreMadeOfAnyAndStayWhatTheyAre) {
  NormaliseOptions nine = kOptions;
  nine.id_rule = "alnum9";
  std::vector<Message> history;
  std::vector<std::string> before;
  for (const std::string id :
       {"call_1", "call_1", "", "Mi5tral01", "Mi5tral01", "a-b_c-d_e", "toolu_01ABCDEFGHIJKLMNOPQRSTUV"}) {
    history.push_back(User("go"));
    history.push_back(Assistant({ToolCall{id, "f", "{}", ""}}, "other/model"));
    history.push_back(Tool({ToolResult{id, "f", "r", false, {}}}));
    const std::vector<Message> normal = Normalise(history, nine);
    std::vector<std::string> ids;
    for (const Message& message : normal) {
      for (const ToolCall& call : CallsOf(message)) ids.push_back(call.id);
      for (const Part& part : message.parts) {
        if (const auto* const result = std::get_if<ToolResult>(&part)) {
          EXPECT_EQ(result->call_id, ids.back());
        }
      }
    }
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
    for (const std::string& made : ids) {
      EXPECT_EQ(made.size(), 9U);
      EXPECT_EQ(made.find_first_of("_-"), std::string::npos) << made;
    }
    EXPECT_TRUE(std::equal(before.begin(), before.end(), ids.begin())) << "a longer history begins alike";
    EXPECT_EQ(Show(Normalise(normal, nine)), Show(normal)) << "twice is once";
    before = ids;
  }
  EXPECT_EQ(before[3], "Mi5tral01") << "its own are kept";
}

TEST(Normalise, APictureThatIsTooLargeForTheWireIsNamedInItsPlace) {
  NormaliseOptions options = kOptions;
  options.max_bytes_of_one_image = 3;
  const std::vector<Message> history{
      {.role = Role::kUser, .parts = {Image{"image/png", "1234"}, Image{"image/png", "123"}}}};
  const std::vector<Message> normal = Normalise(history, options);
  ASSERT_EQ(normal[0].parts.size(), 2U);
  EXPECT_EQ(std::get<Text>(normal[0].parts[0]).text, "[a picture that is not shown]");
  EXPECT_EQ(std::get<Image>(normal[0].parts[1]).data, "123");
}

TEST(Normalise, ArgumentsAreAlwaysAnObject) {
  EXPECT_THAT(
      Normalised({User("u"),
                  Assistant({ToolCall{"a", "f", ""}, ToolCall{"b", "f", "{\"x\":1,}"}, ToolCall{"c", "f", "[1]"}}),
                  Tool({ToolResult{"a", "f", "1"}, ToolResult{"b", "f", "2"}, ToolResult{"c", "f", "3"}})}),
      ElementsAre("user:u", R"(assistant:f#a{} f#b{"invalid_json":"{\"x\":1,}"} f#c{"invalid_json":"[1]"})",
                  "tool:a=1 b=2 c=3"));
}

TEST(Normalise, ProviderStateGoesToItsOwnModelOnly) {
  const std::vector<Part> parts{Reasoning{"t", "{}"}, Text{"x"}};
  EXPECT_THAT(Normalised({User("u"), Assistant(parts), User("v")}),
              ElementsAre("user:u", "assistant:<{}> x", "user:v"));
  EXPECT_THAT(Normalised({User("u"), Assistant(parts, "p/other"), User("v")}),
              ElementsAre("user:u", "assistant:x", "user:v"));
  EXPECT_THAT(Normalised({User("u"), Assistant({Reasoning{"t", ""}, Text{"x"}}), User("v")}),
              ElementsAre("user:u", "assistant:x", "user:v"));
}

TEST(Normalise, NeighboursOfTheUserAreMerged) {
  EXPECT_THAT(Normalised({User("u"), User("v"), Assistant({Text{"x"}}), User("w")}),
              ElementsAre("user:u\n\nv", "assistant:x", "user:w"));
}

TEST(Normalise, BetweenTwoAnswersStandsWhatTheFirstWasSentBackWith) {
  const std::vector<Message> paused{User("u"), Assistant({Reasoning{"t", "{}"}, Text{"x"}})};
  std::vector<Message> history = paused;
  history.push_back(Assistant({Reasoning{"t", "{}"}, Text{"y"}}));
  EXPECT_THAT(Normalised(paused), ElementsAre("user:u", "assistant:<{}> x", "user:Continue."));
  EXPECT_THAT(Normalised(history),
              ElementsAre("user:u", "assistant:<{}> x", "user:Continue.", "assistant:<{}> y", "user:Continue."));
}

TEST(Normalise, BlankMessagesAreDropped) {
  EXPECT_THAT(Normalised({MakeText(Role::kSystem, " \n"), User("u"), Assistant({Text{" \n"}}), User("  "), User("v")}),
              ElementsAre("user:u\n\nv"));
}

TEST(Normalise, StateOfACallGoesToItsOwnModelOnly) {
  const auto opaque = [](const std::string& state, const std::string& origin) {
    const auto out = Normalise(
        {User("u"), Assistant({ToolCall{"a", "f", "{}", state}}, origin), Tool({ToolResult{"a", "f", "r"}})}, kOptions);
    return CallsOf(out[1])[0].opaque;
  };
  EXPECT_EQ(opaque(R"({"x":1})", "p/m"), R"({"x":1})");
  EXPECT_EQ(opaque(R"({"x":1})", "p/other"), "");
}

TEST(Normalise, StateThatIsNotWholeIsDropped) {
  for (const std::string state : {"{\"x\"", "[]", "3", "{} {}", "{\"x\":\"\xFF\"}"}) {
    const auto out = Normalise({User("u"), Assistant({Reasoning{"t", state}, ToolCall{"a", "f", "{}", state}}),
                                Tool({ToolResult{"a", "f", "r"}})},
                               kOptions);
    ASSERT_EQ(out[1].parts.size(), 1u) << state;
    EXPECT_EQ(CallsOf(out[1])[0].opaque, "") << state;
  }
}

// pictures.

const Image kPng{"image/png", "\x89PNG"};

TEST(Normalise, PicturesKeepTheirPlacesAmongTheWords) {
  const auto out = Normalise({{.role = Role::kUser, .parts = {Text{"a"}, kPng, Text{"b"}, Text{"c"}}},
                              {.role = Role::kUser, .parts = {Text{"d"}, Image{"image/gif", "GIF8"}}}},
                             kOptions);
  ASSERT_EQ(out.size(), 1u);
  ASSERT_EQ(out[0].parts.size(), 4u);
  EXPECT_EQ(std::get<Text>(out[0].parts[0]).text, "a");
  EXPECT_EQ(std::get<Image>(out[0].parts[1]).data, kPng.data);
  EXPECT_EQ(std::get<Text>(out[0].parts[2]).text, "bc\n\nd");
  EXPECT_EQ(std::get<Image>(out[0].parts[3]).data, "GIF8");
}

TEST(Normalise, AMessageOfAPictureAloneIsNotEmpty) {
  EXPECT_EQ(Normalise({{.role = Role::kUser, .parts = {kPng}}}, kOptions)[0].parts.size(), 1u);
}

TEST(Normalise, WhatIsNoPictureForModelsIsNamedInItsPlace) {
  for (const Image& image : {Image{"image/svg+xml", "<svg>"}, Image{"image/png", ""}}) {
    EXPECT_THAT(Normalised({{.role = Role::kUser, .parts = {Text{"a "}, image, Text{" b"}}}}),
                ElementsAre("user:a [a picture that is not shown] b"));
  }
}

TEST(Normalise, AModelThatSeesNothingIsToldWhatIsMissing) {
  const auto out = Normalise({{.role = Role::kUser, .parts = {Text{"a"}, kPng}},
                              Assistant({ToolCall{"a", "f", "{}"}}),
                              Tool({ToolResult{"a", "f", "r", false, {kPng}}})},
                             {.origin = "p/m", .images = false});
  EXPECT_THAT(Show(out), ElementsAre("user:a[a picture that is not shown]", "assistant:f#a{}",
                                     "tool:a=r\n[a picture that is not shown]"));
  EXPECT_TRUE(std::get<ToolResult>(out[2].parts[0]).images.empty());
}

TEST(Normalise, PicturesOfAResultStayWithItAlsoWhenItIsOrphaned) {
  const auto out =
      Normalise({User("u"), Assistant({ToolCall{"a", "f", "{}"}}),
                 Tool({ToolResult{"z", "f", "lost", false, {kPng}}, ToolResult{"a", "f", "r", false, {kPng}}})},
                kOptions);
  EXPECT_EQ(std::get<ToolResult>(out[2].parts[0]).images.size(), 1u);
  ASSERT_EQ(out[3].parts.size(), 2u);
  EXPECT_EQ(std::get<Image>(out[3].parts[1]).data, kPng.data);
}

TEST(Normalise, TheOldestPicturesMakeRoom) {
  const Image large{"image/png", std::string(60, 'x')};
  const auto out = Normalise({{.role = Role::kUser, .parts = {large}},
                              Assistant({ToolCall{"a", "f", "{}"}}),
                              Tool({ToolResult{"a", "f", "r", false, {large}}})},
                             {.origin = "p/m", .max_bytes_of_all_images = 100});
  EXPECT_TRUE(std::holds_alternative<Text>(out[0].parts[0]));
  EXPECT_EQ(std::get<ToolResult>(out[2].parts[0]).images.size(), 1u);
}

TEST(Normalise, AUserIsFirstAndAUserOrAToolIsLast) {
  EXPECT_THAT(Normalised({MakeText(Role::kSystem, "s"), Assistant({Text{"x"}})}),
              ElementsAre("system:s", "user:Continue.", "assistant:x", "user:Continue."));
  EXPECT_THAT(Normalised({}), ElementsAre("user:Continue."));
}

TEST(Normalise, SystemMessagesAreOneAndFirst) {
  EXPECT_THAT(Normalised({User("u"), MakeText(Role::kSystem, "s"), MakeText(Role::kSystem, "t")}),
              ElementsAre("system:s\n\nt", "user:u"));
}

TEST(Normalise, HugeResultsKeepHeadAndTail) {
  std::string huge = "head";
  for (int i = 0; i < 100'000; ++i) huge += "\xC3\xA9";
  huge += "tail";
  const auto out =
      Normalise({User("u"), Assistant({ToolCall{"a", "f", "{}"}}), Tool({ToolResult{"a", "f", huge}})}, kOptions);
  const std::string& text = std::get<ToolResult>(out[2].parts[0]).text;
  EXPECT_LE(text.size(), kOptions.max_result_bytes);
  EXPECT_TRUE(IsValidUtf8(text));
  EXPECT_TRUE(text.starts_with("head") && text.ends_with("tail"));
}

TEST(Normalise, NamesBeginWithALetter) {
  const auto out = Normalise({User("u"), Assistant({ToolCall{"a", "9th", "{}"}, ToolCall{"b", "-x", "{}"}})}, kOptions);
  EXPECT_EQ(CallsOf(out[1])[0].name, "_9th");
  EXPECT_EQ(CallsOf(out[1])[1].name, "_-x");
  EXPECT_EQ(std::get<ToolResult>(out[2].parts[0]).name, "_9th");
}

TEST(Normalise, NamesAreLegal) {
  EXPECT_THAT(Normalised({User("u"), Assistant({ToolCall{"a", "srv/tool.x", "{}"}, ToolCall{"b", "", "{}"}}),
                          Tool({ToolResult{"a", "srv/tool.x", "1"}, ToolResult{"b", "", "2"}})}),
              ElementsAre("user:u", "assistant:srv_tool_x#a{} unnamed#b{}", "tool:a=1 b=2"));
}

TEST(AdoptReply, NewIdsAreUniqueInTheConversation) {
  const std::vector<Message> history{User("u"), Assistant({ToolCall{"a", "f", "{}"}}),
                                     Tool({ToolResult{"a", "f", "r"}})};
  Message reply = Assistant({ToolCall{"a", "f", "{}"}, ToolCall{"b", "f", "{}"}, ToolCall{"", "f", "{}"}});
  AdoptReply(reply, history);
  EXPECT_THAT(Show({reply}), ElementsAre("assistant:f#call_2_1{} f#b{} f#call_2_3{}"));
}

// The properties.

void CheckInvariants(const std::vector<Message>& messages) {
  ASSERT_FALSE(messages.empty());
  std::set<std::string> ids;
  const std::size_t first = messages.front().role == Role::kSystem ? 1 : 0;
  ASSERT_LT(first, messages.size());
  EXPECT_EQ(messages[first].role, Role::kUser);
  EXPECT_TRUE(messages.back().role == Role::kUser || messages.back().role == Role::kTool);
  for (std::size_t i = first; i < messages.size(); ++i) {
    const Message& message = messages[i];
    EXPECT_FALSE(message.parts.empty());
    EXPECT_NE(message.role, Role::kSystem);
    if (i > first) {
      EXPECT_NE(message.role, messages[i - 1].role);
    }
    const auto calls = CallsOf(message);
    if (message.role == Role::kTool) {
      EXPECT_FALSE(CallsOf(messages[i - 1]).empty());
    }
    if (calls.empty()) continue;
    ASSERT_LT(i + 1, messages.size());
    ASSERT_EQ(messages[i + 1].role, Role::kTool);
    ASSERT_EQ(messages[i + 1].parts.size(), calls.size());
    for (std::size_t k = 0; k < calls.size(); ++k) {
      EXPECT_TRUE(ids.insert(calls[k].id).second) << calls[k].id;
      EXPECT_TRUE(IsJsonObject(calls[k].args)) << calls[k].args;
      EXPECT_EQ(std::get<ToolResult>(messages[i + 1].parts[k]).call_id, calls[k].id);
    }
  }
}

TEST(NormaliseProperty, HoldsForAnyHistoryAndTwiceIsOnce) {
  test::Histories histories(42);
  for (int round = 0; round < 20'000; ++round) {
    const std::vector<Message> once = Normalise(histories.Next(), kOptions);
    CheckInvariants(once);
    EXPECT_EQ(Show(Normalise(once, kOptions)), Show(once));
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace rune::agent
