#pragma once
/// A model client on its own loop, and what servers say to it.

#include <gmock/gmock.h>
#include <poll.h>

#include <string>
#include <vector>

#include "agent/providers/http_model_client.h"
#include "sandbox/base/log.h"
#include "tests/unit/http/loopback_server.h"

namespace rune::agent {

using test::LoopbackServer;
using test::Peer;
using test::SeenRequest;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

inline const std::string kKey = "canary-key-0815-canary";
inline const std::string kAnswer =
    "data: {\"model\":\"real-m\",\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
inline const std::string kEmptyAnswer =
    "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
inline const std::string kPart = "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n";

class ModelTest : public testing::Test {
 protected:
  ModelTest() {
    SetLogLevel(LogLevel::kError);
    options_.endpoint = {.provider = "openai", .base_url = "", .model = "m"};
    options_.api_key = Secret(kKey);
    options_.retry.base = Milliseconds(2);
    options_.random = [] { return 0.5; };
  }
  ~ModelTest() override { SetLogLevel(LogLevel::kWarn); }

  ModelOutcome Ask(const std::string& base_url, TimePoint deadline = kNever) {
    options_.endpoint.base_url = base_url;
    HttpModelClient client(loop_, options_);
    return Ask(client, deadline);
  }
  ModelOutcome Ask(HttpModelClient& client, TimePoint deadline = kNever) {
    const TextSink sink = [this](std::string_view text) { delivered_ += text; };
    const std::vector<ToolSpec> tools;
    ModelOutcome outcome =
        client.Complete({.messages = messages_, .tools = tools, .deadline = deadline}, with_sink_ ? sink : TextSink());
    if (const auto* const error = std::get_if<ModelError>(&outcome)) {
      EXPECT_THAT(error->message, AllOf(Not(HasSubstr("canary")), Not(HasSubstr("\n"))));
    }
    return outcome;
  }
  static std::string TextIn(const ModelOutcome& outcome) {
    const auto* const reply = std::get_if<ModelReply>(&outcome);
    return reply == nullptr ? "error: " + std::get<ModelError>(outcome).message : TextOf(reply->message);
  }
  static ModelError ErrorIn(const ModelOutcome& outcome) {
    const auto* const error = std::get_if<ModelError>(&outcome);
    return error == nullptr ? ModelError{ModelErrorKind::kDiverged, "no error at all"} : *error;
  }
  /// Interrupts the loop in a moment, and checks that `outcome` of what runs meanwhile comes within 200 ms of it.
  template <typename Run>
  void ExpectPromptCancel(Run run) {
    TimePoint interrupted = kNever;
    loop_.At(Clock::now() + Milliseconds(40), [&] {
      interrupted = Clock::now();
      loop_.Interrupt(2);
    });
    EXPECT_EQ(ErrorIn(run()).kind, ModelErrorKind::kCancelled);
    EXPECT_LT(Clock::now() - interrupted, Milliseconds(200));
    loop_.ClearInterrupt();
  }

  EventLoop loop_;
  HttpModelOptions options_;
  std::vector<Message> messages_{MakeText(Role::kUser, "Hi")};
  std::string delivered_;
  bool with_sink_ = true;
};

}  // namespace rune::agent
