#include "agent/providers/fallback.h"

#include <gmock/gmock.h>

#include <deque>

#include "sandbox/base/log.h"

namespace rune::agent {
namespace {

/// Says what it was told to, in order.
class Told : public ModelClient {
 public:
  Told(std::string name, std::deque<ModelOutcome> outcomes) : name_(std::move(name)), outcomes_(std::move(outcomes)) {}
  ModelOutcome Complete(const ModelRequest&, const TextSink& on_text) override {
    if (on_text && !said_.empty()) on_text(said_);
    ++asked;
    ModelOutcome outcome = std::move(outcomes_.front());
    if (outcomes_.size() > 1) outcomes_.pop_front();
    return outcome;
  }
  std::string provider() const override { return name_; }
  std::string model() const override { return "m"; }
  std::uint64_t context_window() const override { return name_.size(); }
  void Say(std::string text) { said_ = std::move(text); }
  int asked = 0;

 private:
  std::string name_;
  std::deque<ModelOutcome> outcomes_;
  std::string said_;
};

ModelOutcome Fails(ModelErrorKind kind) { return ModelError{kind, "broken"}; }
ModelOutcome Answers() { return ModelReply{.message = MakeText(Role::kAssistant, "Hi")}; }

class FallbackTest : public testing::Test {
 protected:
  FallbackTest() { SetLogLevel(LogLevel::kError); }
  ~FallbackTest() override { SetLogLevel(LogLevel::kWarn); }
  void Make(std::deque<ModelOutcome> first) {
    std::vector<std::unique_ptr<ModelClient>> clients;
    clients.push_back(std::make_unique<Told>("first", std::move(first)));
    clients.push_back(std::make_unique<Told>("second", std::deque<ModelOutcome>{Answers()}));
    first_ = static_cast<Told*>(clients[0].get());
    second_ = static_cast<Told*>(clients[1].get());
    client_ = std::make_unique<FallbackClient>(std::move(clients));
  }
  bool Ask() {
    return std::holds_alternative<ModelReply>(
        client_->Complete({.messages = messages_, .tools = tools_}, [](std::string_view) {}));
  }

  std::vector<Message> messages_{MakeText(Role::kUser, "Hello")};
  std::vector<ToolSpec> tools_;
  std::unique_ptr<FallbackClient> client_;
  Told* first_ = nullptr;
  Told* second_ = nullptr;
};

TEST_F(FallbackTest, TheFirstIsAskedAloneAsLongAsItAnswers) {
  Make({Answers()});
  EXPECT_TRUE(Ask());
  EXPECT_EQ(second_->asked, 0);
  EXPECT_EQ(client_->provider(), "first");
}

TEST_F(FallbackTest, TheNextIsAskedWhenItFailsAndFromThenOn) {
  Make({Fails(ModelErrorKind::kDown)});
  EXPECT_TRUE(Ask());
  EXPECT_EQ(client_->provider(), "second");
  EXPECT_EQ(client_->context_window(), 6u);
  EXPECT_TRUE(Ask());
  EXPECT_EQ(first_->asked, 1);
}

TEST_F(FallbackTest, OnlyForFailuresThatAreTheProvidersOwn) {
  for (const ModelErrorKind kind :
       {ModelErrorKind::kAuth, ModelErrorKind::kRate, ModelErrorKind::kDown, ModelErrorKind::kProtocol}) {
    Make({Fails(kind)});
    EXPECT_TRUE(Ask());
  }
  for (const ModelErrorKind kind : {ModelErrorKind::kBadRequest, ModelErrorKind::kTooLong, ModelErrorKind::kDiverged,
                                    ModelErrorKind::kBudget, ModelErrorKind::kCancelled, ModelErrorKind::kDeadline}) {
    Make({Fails(kind)});
    EXPECT_FALSE(Ask());
    EXPECT_EQ(second_->asked, 0);
  }
}

TEST_F(FallbackTest, NotAfterAToolRanForThePrompt) {
  Make({Fails(ModelErrorKind::kDown)});
  messages_.push_back({.role = Role::kAssistant, .parts = {ToolCall{"a", "f", "{}", ""}}});
  messages_.push_back({.role = Role::kTool, .parts = {ToolResult{"a", "f", "r", false, {}}}});
  EXPECT_FALSE(Ask());
  messages_.push_back(MakeText(Role::kAssistant, "done"));
  messages_.push_back(MakeText(Role::kUser, "Next"));
  EXPECT_TRUE(Ask()) << "the tools of an earlier prompt do not count";
}

TEST_F(FallbackTest, NotAfterTextWasShown) {
  Make({Fails(ModelErrorKind::kDown)});
  first_->Say("Hel");
  EXPECT_FALSE(Ask());
  EXPECT_EQ(second_->asked, 0);
}

TEST_F(FallbackTest, WhoMayAnswerAreTheCurrentOneAndThoseBehindIt) {
  using testing::ElementsAre;
  Make({Fails(ModelErrorKind::kDown)});
  EXPECT_THAT(client_->MayAnswer(messages_), ElementsAre("first/m", "second/m"));
  std::vector<Message> after_a_tool = messages_;
  after_a_tool.push_back({.role = Role::kTool, .parts = {ToolResult{"a", "f", "r", false, {}}}});
  EXPECT_THAT(client_->MayAnswer(after_a_tool), ElementsAre("first/m"));
  EXPECT_TRUE(Ask());
  EXPECT_THAT(client_->MayAnswer(messages_), ElementsAre("second/m"));
}

TEST_F(FallbackTest, TheLastFailureIsTheOneReported) {
  std::vector<std::unique_ptr<ModelClient>> clients;
  clients.push_back(std::make_unique<Told>("first", std::deque<ModelOutcome>{Fails(ModelErrorKind::kDown)}));
  clients.push_back(std::make_unique<Told>("second", std::deque<ModelOutcome>{Fails(ModelErrorKind::kRate)}));
  FallbackClient client(std::move(clients));
  const ModelOutcome outcome = client.Complete({.messages = messages_, .tools = tools_}, nullptr);
  EXPECT_EQ(std::get<ModelError>(outcome).kind, ModelErrorKind::kRate);
}

}  // namespace
}  // namespace rune::agent
