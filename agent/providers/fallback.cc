#include "agent/providers/fallback.h"

#include <algorithm>
#include <cstdlib>

#include "sandbox/base/log.h"

namespace rune::agent {
namespace {

/// Another provider may do better.
bool IsTheProviders(ModelErrorKind kind) {
  switch (kind) {
    case ModelErrorKind::kAuth:
    case ModelErrorKind::kRate:
    case ModelErrorKind::kDown:
    case ModelErrorKind::kProtocol:
      return true;
    case ModelErrorKind::kBadRequest:
    case ModelErrorKind::kTooLong:
    case ModelErrorKind::kDiverged:
    case ModelErrorKind::kBudget:
    case ModelErrorKind::kCancelled:
    case ModelErrorKind::kDeadline:
      return false;
  }
  std::abort();
}

/// Since what the user last said.
bool ToolsRan(const std::vector<Message>& messages) {
  const auto prompt = std::find_if(messages.rbegin(), messages.rend(),
                                   [](const Message& message) { return message.role == Role::kUser; });
  return std::any_of(messages.rbegin(), prompt, [](const Message& message) { return message.role == Role::kTool; });
}

}  // namespace

std::vector<std::string> FallbackClient::MayAnswer(const std::vector<Message>& messages) const {
  std::vector<std::string> names = current().MayAnswer(messages);
  if (ToolsRan(messages)) return names;
  for (std::size_t i = at_ + 1; i < clients_.size(); ++i) {
    for (std::string& name : clients_[i]->MayAnswer(messages)) names.push_back(std::move(name));
  }
  return names;
}

ModelOutcome FallbackClient::Complete(const ModelRequest& request, const TextSink& on_text) {
  bool delivered = false;
  TextSink sink;
  if (on_text) {
    sink = [&](std::string_view text) {
      delivered = true;
      on_text(text);
    };
  }
  for (;;) {
    ModelOutcome outcome = current().Complete(request, sink);
    const auto* const error = std::get_if<ModelError>(&outcome);
    if (error == nullptr || !IsTheProviders(error->kind) || delivered || at_ + 1 == clients_.size() ||
        ToolsRan(request.messages)) {
      return outcome;
    }
    ++at_;
    Log(LogLevel::kWarn, error->message + "; from here on " + provider() + "/" + model() + " is asked");
  }
}

}  // namespace rune::agent
