#pragma once
/// A model that says what it was told to say, and remembers what it was asked.

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "agent/conversation/model.h"

namespace rune::agent {

class ScriptedModel : public ModelClient {
 public:
  void Say(std::string text) { replies_.emplace_back(Reply(std::move(text), {})); }
  void Call(std::vector<ToolCall> calls) { replies_.emplace_back(Reply("", std::move(calls))); }
  void Fail(ModelErrorKind kind) { replies_.emplace_back(ModelError{kind, "scripted failure"}); }
  void Push(ModelOutcome outcome) { replies_.push_back(std::move(outcome)); }
  /// Said for ever when the script is over.
  void RepeatForEver(ModelOutcome outcome) { forever_ = std::move(outcome); }

  static ModelOutcome Reply(std::string text, std::vector<ToolCall> calls) {
    ModelReply reply;
    reply.message.role = Role::kAssistant;
    reply.message.stop = calls.empty() ? Stop::kEnd : Stop::kToolCalls;
    if (!text.empty()) reply.message.parts.emplace_back(Text{std::move(text)});
    for (ToolCall& call : calls) reply.message.parts.emplace_back(std::move(call));
    reply.usage = {.input = 100, .output = 10};
    reply.usage_known = true;
    reply.model = "scripted-1";
    return reply;
  }

  ModelOutcome Complete(const ModelRequest& request, const TextSink&) override {
    asked.push_back(request.messages);
    options.push_back(request.options);
    if (replies_.empty())
      return forever_ ? *forever_ : ModelOutcome(ModelError{ModelErrorKind::kDown, "the script is over"});
    ModelOutcome next = std::move(replies_.front());
    replies_.pop_front();
    return next;
  }
  std::string provider() const override { return "scripted"; }
  std::string model() const override { return "configured-model"; }

  std::vector<std::vector<Message>> asked;
  std::vector<GenerationOptions> options;

 private:
  std::deque<ModelOutcome> replies_;
  std::optional<ModelOutcome> forever_;
};

}  // namespace rune::agent
