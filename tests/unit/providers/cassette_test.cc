#include "agent/providers/cassette.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "sandbox/base/files.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Message User(const std::string& text) { return MakeText(Role::kUser, text); }
Message Tool(std::vector<Part> parts) { return {.role = Role::kTool, .parts = std::move(parts)}; }

ModelOutcome Ask(ModelClient& client, const std::vector<Message>& messages, std::string* delivered = nullptr) {
  const std::vector<ToolSpec> tools;
  return client.Complete({.messages = messages, .tools = tools}, [delivered](std::string_view text) {
    if (delivered != nullptr) *delivered += text;
  });
}
std::string TextIn(const ModelOutcome& outcome) {
  const auto* const reply = std::get_if<ModelReply>(&outcome);
  return reply == nullptr ? "error: " + std::get<ModelError>(outcome).message : TextOf(reply->message);
}

const std::string kTape =
    R"({"cassette":1,"model":"m"}
{"ask":{"user":["Look."]},"reply":{"text":"","tool_calls":[{"id":"a","name":"f","arguments":{"x":1}},{"id":"b","name":"g","arguments":"{ }"}],"usage":{"input":5,"cached":2,"output":3},"stop":"tool_calls"}}
{"ask":{"results":[{"id":"a","name":"f","is_error":false},{"id":"b","name":"g","is_error":true}]},"reply":{"text":"{{a}} and {{b}} and {{c}}.","stop":"end"},"template":true}

{"ask":{"user":["Hello."]},"reply":{"text":"Hi {{a}}."}}
{"ask":{"user":["Hello."]},"reply":{"text":"Hi again."}}
)";

class CassetteTest : public testing::Test {
 protected:
  CassettePlayer Player(const std::string& tape = kTape) {
    auto cassette = Cassette::Parse(tape, "tape");
    EXPECT_TRUE(cassette.ok()) << (cassette.ok() ? "" : cassette.error().message);
    return CassettePlayer(loop_, std::move(cassette).value());
  }
  /// The conversation after the first reply of kTape.
  static std::vector<Message> WithResults(std::vector<Part> results) {
    return {User("Look."),
            {.role = Role::kAssistant, .parts = {ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", "{}"}}},
            Tool(std::move(results))};
  }
  EventLoop loop_;
};

TEST_F(CassetteTest, AConversationIsPlayedBack) {
  CassettePlayer player = Player();
  const ModelOutcome first = Ask(player, {MakeText(Role::kSystem, "any"), User("Look.")});
  const auto& reply = std::get<ModelReply>(first);
  const auto calls = CallsOf(reply.message);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].args, R"({"x":1})");
  EXPECT_EQ(calls[1].args, "{ }");
  EXPECT_EQ(reply.message.stop, Stop::kToolCalls);
  EXPECT_EQ(reply.message.origin, "cassette/m");
  EXPECT_EQ(reply.usage.total(), 8u);
  EXPECT_TRUE(reply.usage_known);
  EXPECT_EQ(reply.model, "m");
  std::string delivered;
  const ModelOutcome second = Ask(
      player, WithResults({ToolResult{"a", "f", "one\ntwo", false}, ToolResult{"b", "g", " no ", true}}), &delivered);
  EXPECT_EQ(TextIn(second), "one and no and .");
  EXPECT_EQ(delivered, "one and no and .");
}

TEST_F(CassetteTest, WithoutTheMarkATemplateIsPlainText) {
  CassettePlayer player = Player();
  EXPECT_EQ(TextIn(Ask(player, {User("Hello.")})), "Hi {{a}}.");
}

TEST_F(CassetteTest, AFreshConversationStartsWhereItMatchesAndEqualOnesTakeTurns) {
  CassettePlayer player = Player();
  EXPECT_EQ(TextIn(Ask(player, {User("Hello.")})), "Hi {{a}}.");
  EXPECT_EQ(TextIn(Ask(player, {User("Hello.")})), "Hi again.");
  EXPECT_EQ(TextIn(Ask(player, {User("Hello.")})), "Hi {{a}}.");
  EXPECT_TRUE(std::holds_alternative<ModelReply>(Ask(player, {User("Look.")})));
}

TEST_F(CassetteTest, ADifferentPromptDivergesAndBothAreNamed) {
  CassettePlayer player = Player();
  const ModelOutcome outcome = Ask(player, {User("Look!")});
  EXPECT_EQ(std::get<ModelError>(outcome).kind, ModelErrorKind::kDiverged);
  EXPECT_EQ(std::get<ModelError>(outcome).message, "exchange 1: recorded prompt \"Look.\", asked prompt \"Look!\"");
}

TEST_F(CassetteTest, ResultsMatchByIdNameAndErrorFlagButNotByText) {
  const auto outcome_of = [this](std::vector<Part> results) {
    CassettePlayer player = Player();
    (void)Ask(player, {User("Look.")});
    return TextIn(Ask(player, WithResults(std::move(results))));
  };
  EXPECT_EQ(outcome_of({ToolResult{"a", "f", "x"}, ToolResult{"b", "g", "y", true}}), "x and y and .");
  EXPECT_EQ(outcome_of({ToolResult{"a", "f", "x", true}, ToolResult{"b", "g", "y", true}}),
            "error: exchange 2: recorded result a of f, asked result a of f (an error)");
  EXPECT_EQ(outcome_of({ToolResult{"a", "h", "x"}, ToolResult{"b", "g", "y", true}}),
            "error: exchange 2: recorded result a of f, asked result a of h");
  EXPECT_EQ(outcome_of({ToolResult{"z", "f", "x"}, ToolResult{"b", "g", "y", true}}),
            "error: exchange 2: recorded result a of f, asked result z of f");
  EXPECT_EQ(outcome_of({ToolResult{"a", "f", "x"}}),
            "error: exchange 2: recorded result b of g (an error), asked no further tool result");
}

TEST_F(CassetteTest, AConversationThatGoesOnBeyondTheTapeDiverges) {
  CassettePlayer player = Player(
      "{\"cassette\":1}\n{\"ask\":{\"user\":[\"Hi\"]},\"reply\":{\"tool_calls\":[{\"id\":\"a\",\"name\":\"f\"}]}}\n");
  const ModelOutcome first = Ask(player, {User("Hi")});
  ASSERT_TRUE(std::holds_alternative<ModelReply>(first));
  EXPECT_EQ(CallsOf(std::get<ModelReply>(first).message).at(0).args, "{}");
  const ModelOutcome second =
      Ask(player, {User("Hi"), std::get<ModelReply>(first).message, Tool({ToolResult{"a", "f", "r"}})});
  EXPECT_EQ(TextIn(second), "error: exchange 2: recorded no further tool result, asked result a of f");
}

TEST_F(CassetteTest, AnInterruptionAndADeadlineHold) {
  CassettePlayer player = Player();
  const std::vector<Message> messages{User("Hello.")};
  const std::vector<ToolSpec> tools;
  const ModelOutcome late = player.Complete({.messages = messages, .tools = tools, .deadline = Clock::now()}, nullptr);
  EXPECT_EQ(std::get<ModelError>(late).kind, ModelErrorKind::kDeadline);
  loop_.Interrupt(15);
  EXPECT_EQ(std::get<ModelError>(Ask(player, messages)).kind, ModelErrorKind::kCancelled);
}

TEST(CassetteParse, ErrorsNameTheLineAndThePlace) {
  const std::map<std::string, std::string> bad{
      {"", "holds no exchange"},
      {"{\"ask\":{}}", "line 1: not a cassette"},
      {"{\"cassette\":2}", "line 1: not a cassette"},
      {"{\"cassette\":1}\n\nnonsense", "line 3: "},
      {"{\"cassette\":1}\n{\"ask\":{\"user\":[\"x\"]},\"reply\":{\"txt\":\"y\"}}", "'txt'"},
      {"{\"cassette\":1}\n{\"ask\":{\"user\":\"x\"},\"reply\":{}}", "ask.user"},
      {"{\"cassette\":1}\n{\"ask\":{},\"reply\":{}}", "asks nothing"},
      {"{\"cassette\":1}\n{\"ask\":{\"user\":[\"x\"]},\"reply\":{\"stop\":\"never\"}}", "'never'"},
      {"{\"cassette\":1}\n{\"ask\":{\"user\":[\"x\"]},\"reply\":{\"usage\":{\"input\":-1}}}", "usage.input"}};
  for (const auto& [text, expected] : bad) {
    const auto cassette = Cassette::Parse(text, "tape");
    ASSERT_FALSE(cassette.ok()) << text;
    EXPECT_EQ(cassette.error().kind, ErrorKind::kInvalidInput);
    EXPECT_THAT(cassette.error().message, AllOf(HasSubstr("tape: "), HasSubstr(expected)));
  }
}

TEST(DemoCassette, EveryConversationCanBePlayed) {
  auto cassette = Cassette::Parse(DemoCassette(), "demo");
  ASSERT_TRUE(cassette.ok()) << cassette.error().message;
  std::vector<std::string> prompts;
  for (const CassetteExchange& exchange : cassette->exchanges) {
    for (const std::string& prompt : exchange.ask.user) prompts.push_back(prompt);
  }
  EXPECT_THAT(prompts, ElementsAre("Which files are here, and what does the notes file say?", "Show me /etc/shadow.",
                                   "Run the nmap scanner.", "Review the change in the inputs.", "Say hello."));
  EventLoop loop;
  CassettePlayer player(loop, std::move(cassette).value());
  for (const std::string& prompt : prompts) {
    std::vector<Message> messages{User(prompt)};
    // The tools that are refused in the story.
    const bool refused = prompt.starts_with("Show") || prompt.starts_with("Run");
    while (true) {
      const ModelOutcome outcome = Ask(player, messages);
      ASSERT_TRUE(std::holds_alternative<ModelReply>(outcome)) << TextIn(outcome);
      messages.push_back(std::get<ModelReply>(outcome).message);
      Message results = Tool({});
      for (const ToolCall& call : CallsOf(messages.back()))
        results.parts.emplace_back(ToolResult{call.id, call.name, "<" + call.id + ">", refused});
      if (results.parts.empty()) break;
      messages.push_back(results);
    }
    EXPECT_FALSE(TextOf(messages.back()).empty()) << prompt;
    if (refused) {
      EXPECT_THAT(TextOf(messages.back()), AllOf(HasSubstr("refused"), HasSubstr("<call_")));
    }
    EXPECT_THAT(TextOf(messages.back()), Not(HasSubstr("{{")));
  }
}

/// Gives the replies it is made with.
class Scripted : public ModelClient {
 public:
  explicit Scripted(std::deque<ModelOutcome> outcomes) : outcomes_(std::move(outcomes)) {}
  ModelOutcome Complete(const ModelRequest&, const TextSink& on_text) override {
    ModelOutcome outcome = outcomes_.front();
    outcomes_.pop_front();
    if (on_text) on_text("passed on");
    return outcome;
  }
  std::string provider() const override { return "scripted"; }
  std::string model() const override { return "s-1"; }

 private:
  std::deque<ModelOutcome> outcomes_;
};

ModelReply Reply(std::vector<Part> parts, Stop stop) {
  return {.message = {.role = Role::kAssistant, .parts = std::move(parts), .stop = stop},
          .usage = {.input = 4, .output = 2},
          .usage_known = true};
}

class RecorderTest : public testing::Test {
 protected:
  RecorderTest() {
    auto dir = TempDir::Create("/tmp", "rune-cassette-test");
    EXPECT_TRUE(dir.ok());
    dir_.emplace(std::move(dir).value());
    path_ = dir_->path() + "/tape.jsonl";
  }
  std::unique_ptr<ModelClient> Recorder(std::deque<ModelOutcome> outcomes) {
    auto recorder = CassetteRecorder::Create(std::make_unique<Scripted>(std::move(outcomes)), path_);
    EXPECT_TRUE(recorder.ok());
    return std::move(recorder).value();
  }
  std::string Tape() { return ReadFile(path_).value(); }

  std::optional<TempDir> dir_;
  std::string path_;
};

TEST_F(RecorderTest, WhatWasRecordedPlaysTheSame) {
  const std::vector<ModelReply> replies{
      Reply({Text{"Let me see."}, ToolCall{"a", "f", "{ \"x\" : 1 }"}, ToolCall{"b", "g", "{bad"}}, Stop::kToolCalls),
      Reply({Text{"Done: \"\xC3\xA9\"\n"}}, Stop::kLength)};
  auto recorder = Recorder({replies[0], replies[1]});
  EXPECT_EQ(recorder->provider(), "scripted");
  const std::vector<Message> first{User("Go\n\"on\".")};
  std::vector<Message> second = first;
  second.push_back(replies[0].message);
  second.push_back(Tool({ToolResult{"a", "f", "r", false}, ToolResult{"b", "g", "r", true}}));
  std::string delivered;
  EXPECT_EQ(TextIn(Ask(*recorder, first, &delivered)), "Let me see.");
  EXPECT_EQ(delivered, "passed on");
  (void)Ask(*recorder, second);

  EventLoop loop;
  auto cassette = Cassette::Parse(Tape(), path_);
  ASSERT_TRUE(cassette.ok()) << cassette.error().message;
  EXPECT_EQ(cassette->model, "s-1");
  CassettePlayer player(loop, std::move(cassette).value());
  for (std::size_t i = 0; i < 2; ++i) {
    const ModelOutcome outcome = Ask(player, i == 0 ? first : second);
    ASSERT_TRUE(std::holds_alternative<ModelReply>(outcome)) << TextIn(outcome);
    const auto& played = std::get<ModelReply>(outcome);
    EXPECT_EQ(TextOf(played.message), TextOf(replies[i].message));
    EXPECT_EQ(played.message.stop, replies[i].message.stop);
    EXPECT_EQ(played.usage.total(), 6u);
    const auto expected = CallsOf(replies[i].message);
    const auto calls = CallsOf(played.message);
    ASSERT_EQ(calls.size(), expected.size());
    for (std::size_t k = 0; k < calls.size(); ++k) EXPECT_EQ(calls[k].args, expected[k].args);
  }
}

TEST_F(RecorderTest, EveryLineIsThereAsSoonAsItsExchangeIsOver) {
  auto recorder = Recorder({Reply({Text{"x"}}, Stop::kEnd), Reply({Text{"y"}}, Stop::kEnd)});
  (void)Ask(*recorder, {User("1")});
  EXPECT_EQ(Split(Tape(), '\n').size(), 3u);  // head, exchange, nothing behind the last newline
}

TEST_F(RecorderTest, OnlyTheOwnerMayReadIt) {
  auto recorder = Recorder({});
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(RecorderTest, FailuresAreNotRecorded) {
  auto recorder = Recorder({ModelError{ModelErrorKind::kDown, "no"}});
  (void)Ask(*recorder, {User("1")});
  EXPECT_EQ(Split(Tape(), '\n').size(), 2u);
}

TEST_F(RecorderTest, SecretsAreTakenOutAndTheTapeStillPlays) {
  AddSecret("canary-secret-33");
  auto recorder = Recorder(
      {Reply({Text{"it is canary-secret-33"}, ToolCall{"a", "f", "{\"k\":\"canary-secret-33\"}"}}, Stop::kToolCalls)});
  const std::vector<Message> messages{User("use canary-secret-33")};
  (void)Ask(*recorder, messages);
  EXPECT_THAT(Tape(), Not(HasSubstr("canary")));
  EventLoop loop;
  CassettePlayer player(loop, Cassette::Parse(Tape(), path_).value());
  EXPECT_EQ(TextIn(Ask(player, messages)), "it is ***");
}

TEST_F(RecorderTest, TwoRunsRecordedIntoOneFileBothPlay) {
  (void)Ask(*Recorder({Reply({Text{"x"}}, Stop::kEnd)}), {User("1")});
  (void)Ask(*Recorder({Reply({Text{"y"}}, Stop::kEnd)}), {User("2")});
  EventLoop loop;
  CassettePlayer player(loop, Cassette::Parse(Tape(), path_).value());
  EXPECT_EQ(TextIn(Ask(player, {User("2")})), "y");
  EXPECT_EQ(TextIn(Ask(player, {User("1")})), "x");
}

TEST_F(RecorderTest, APathThatCannotBeWrittenIsNamed) {
  const auto recorder =
      CassetteRecorder::Create(std::make_unique<Scripted>(std::deque<ModelOutcome>{}), "/nowhere/tape");
  ASSERT_FALSE(recorder.ok());
  EXPECT_THAT(recorder.error().message, HasSubstr("/nowhere/tape"));
}

}  // namespace
}  // namespace rune::agent
