/// What a failed try costs, and what a model cannot be shown or does not take.
#include "agent/providers/copilot.h"
#include "agent/wires/pictures.h"
#include "tests/unit/providers/model_fixture.h"

namespace rune::agent {
namespace {

using testing::ElementsAre;

const std::string kUsage = R"({"prompt_tokens":70,"completion_tokens":5})";

/// What was reported of failed tries, and whether to go on.
class LimitsTest : public ModelTest {
 protected:
  ModelOutcome AskCounting(const std::string& base_url, bool go_on) {
    options_.endpoint.base_url = base_url;
    HttpModelClient client(loop_, options_);
    const std::vector<ToolSpec> tools;
    return client.Complete(
        {.messages = messages_,
         .tools = tools,
         .on_failed =
             [this, go_on](const std::string& name, const Usage& usage) {
               failed_.push_back(name + " " + std::to_string(usage.input) + "+" + std::to_string(usage.output));
               return go_on;
             }},
        {});
  }
  std::vector<std::string> failed_;
};

TEST_F(LimitsTest, AFailedTryReportsWhatItUsed) {
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    peer.ReplyEvents(request.number == 1
                         ? "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}],\"usage\":" + kUsage + "}\n\n"
                         : kAnswer);
  });
  EXPECT_EQ(TextIn(AskCounting(server.url(), true)), "Hello");
  EXPECT_THAT(failed_, ElementsAre("openai/m 70+5"));
}

TEST_F(LimitsTest, NobodyIsAskedAgainWhenThatIsForbidden) {
  LoopbackServer server(
      [](const SeenRequest&, Peer& peer) { peer.ReplyEvents("data: {\"choices\":[],\"usage\":" + kUsage + "}\n\n"); });
  const ModelError error = ErrorIn(AskCounting(server.url(), false));
  EXPECT_EQ(error.kind, ModelErrorKind::kBudget);
  EXPECT_THAT(error.message, HasSubstr("before it was complete"));
  EXPECT_EQ(server.seen().size(), 1U);
}

TEST_F(LimitsTest, AFailureThatNobodyCountedIsNotReported) {
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    request.number == 1 ? peer.ReplyJson(503, "{}") : peer.ReplyEvents(kAnswer);
  });
  EXPECT_EQ(TextIn(AskCounting(server.url(), false)), "Hello");
  EXPECT_TRUE(failed_.empty());
}

TEST_F(LimitsTest, AnInterruptedAnswerReportsWhatItUsedAndStaysInterrupted) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {\"choices\":[],\"usage\":" + kUsage +
              "}\n\n");
  });
  ExpectPromptCancel([&] { return AskCounting(server.url(), false); });
  EXPECT_THAT(failed_, ElementsAre("openai/m 70+5"));
}

TEST_F(LimitsTest, ACallThatGeminiCannotReadIsAskedForTwiceMoreAtMost) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.ReplyEvents("data: {\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\"}]}\r\n\r\n");
  });
  options_.caps.wire = Wire::kGeminiNative;
  options_.retry.attempts = 10;
  const ModelError error = ErrorIn(Ask(server.url()));
  EXPECT_EQ(server.seen().size(), 3U);
  EXPECT_EQ(error.kind, ModelErrorKind::kProtocol);
  EXPECT_THAT(error.message, HasSubstr("could not read the tool call"));
}

class PicturesTest : public LimitsTest {
 protected:
  void Show(std::size_t bytes) {
    messages_ = {{.role = Role::kUser, .parts = {Image{"image/png", std::string(bytes, 'x')}, Text{"What is it?"}}}};
  }
};

TEST_F(PicturesTest, TheSizeThatCountsForAnthropicIsThatOfTheText) {
  constexpr std::size_t kMost = 3'932'160;  // whose base64 has 5 MiB
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.ReplyJson(401, "{}"); });
  options_.caps.wire = Wire::kAnthropicMessages;
  Show(kMost);
  EXPECT_EQ(ErrorIn(Ask(server.url())).kind, ModelErrorKind::kAuth);
  ASSERT_EQ(server.seen().size(), 1U);
  const std::string body = server.seen()[0].body;
  const std::size_t data = body.find("\"data\":\"") + 8;
  EXPECT_EQ(body.find('"', data) - data, 5U << 20);
  Show(kMost + 1);
  const ModelError error = ErrorIn(Ask(server.url()));
  EXPECT_EQ(error.kind, ModelErrorKind::kBadRequest);
  EXPECT_EQ(error.message,
            "a picture of 3.76 MiB is larger than the 3.75 MiB that model m takes: make it smaller; nothing was sent");
  EXPECT_EQ(server.seen().size(), 1U) << "nothing was sent";
  options_.caps.wire = Wire::kOpenAiChat;
  EXPECT_EQ(ErrorIn(Ask(server.url())).kind, ModelErrorKind::kAuth) << "the control: others take it";
}

TEST_F(PicturesTest, AnEarlierPictureIsLeftOutInstead) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.ReplyEvents(kAnswer); });
  Show(100);
  messages_.push_back(MakeText(Role::kAssistant, "A cat."));
  messages_.push_back(MakeText(Role::kUser, "Sure?"));
  options_.caps.max_image_bytes = 99;
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello");
  EXPECT_THAT(server.seen().at(0).body, AllOf(HasSubstr("a picture that is not shown"), Not(HasSubstr("image/png"))));
}

TEST_F(PicturesTest, WhatCopilotSaysOfAModelHoldsForTheFirstCall) {
  std::string vision = "false";
  LoopbackServer server([&](const SeenRequest& request, Peer& peer) {
    if (request.head.starts_with("GET /copilot_internal")) {
      peer.ReplyJson(200, R"({"token":"tid=1","expires_at":1,"refresh_in":1500})");
    } else if (request.head.starts_with("GET /models")) {
      peer.ReplyJson(200, R"({"data":[{"id":"m","capabilities":{"supports":{"vision":)" + vision +
                              R"(},"limits":{"vision":{"max_prompt_image_size":100}}}}]})");
    } else {
      peer.ReplyEvents(kAnswer);
    }
  });
  const auto ask = [&](std::size_t bytes) {
    Show(bytes);
    options_.endpoint.provider = "github-copilot";
    options_.access = std::make_shared<CopilotAccess>(
        loop_,
        CopilotOptions{
            .token = Secret("ghu_x"), .hosts = CopilotHostsOf(server.url()), .model = "m", .correct = {}, .now = {}});
    const ModelOutcome outcome = Ask(server.url());
    return TextIn(outcome);
  };
  EXPECT_EQ(ask(10), "error: model m takes no pictures; nothing was sent");
  vision = "true";
  EXPECT_THAT(ask(101), HasSubstr("is larger than"));
  for (const SeenRequest& request : server.seen()) EXPECT_THAT(request.head, Not(HasSubstr("POST")));
  EXPECT_EQ(ask(100), "Hello");
  EXPECT_THAT(server.seen().back().head, HasSubstr("Copilot-Vision-Request: true"));
}

TEST_F(LimitsTest, MistralGetsIdsOfNineLettersAlsoOfCallsThatAnotherMadeBefore) {
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    request.number == 1
        ? peer.ReplyJson(400, R"({"message":"Tool call id was call_a but must be a-z, A-Z, 0-9, with a length of 9."})")
        : peer.ReplyEvents(kAnswer);
  });
  messages_.push_back({.role = Role::kAssistant,
                       .parts = {ToolCall{"call_a", "f", "{}", ""}, ToolCall{"Mi5tral01", "f", "{}", ""}},
                       .origin = "openai/gpt-4o"});
  messages_.push_back(
      {.role = Role::kTool,
       .parts = {ToolResult{"call_a", "f", "1", false, {}}, ToolResult{"Mi5tral01", "f", "2", false, {}}}});
  EXPECT_EQ(TextIn(Ask(server.url())), "Hello") << "a gateway in front of it is learnt from";
  EXPECT_THAT(server.seen().at(1).body, AllOf(Not(HasSubstr("call_a")), HasSubstr("Mi5tral01")));
}

}  // namespace
}  // namespace rune::agent
