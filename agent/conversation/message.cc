#include "agent/conversation/message.h"

#include <utility>

namespace rune::agent {

Message MakeText(Role role, std::string text) {
  Message message;
  message.role = role;
  message.parts.emplace_back(Text{std::move(text)});
  return message;
}

std::string TextOf(const Message& message) {
  std::string out;
  for (const Part& part : message.parts) {
    if (const auto* text = std::get_if<Text>(&part)) out += text->text;
  }
  return out;
}

std::vector<ToolCall> CallsOf(const Message& message) {
  std::vector<ToolCall> calls;
  for (const Part& part : message.parts) {
    if (const auto* call = std::get_if<ToolCall>(&part)) calls.push_back(*call);
  }
  return calls;
}

bool HasImages(const Message& message) {
  for (const Part& part : message.parts) {
    if (const auto* const result = std::get_if<ToolResult>(&part)) {
      if (!result->images.empty()) return true;
    } else if (std::get_if<Image>(&part) != nullptr) {
      return true;
    }
  }
  return false;
}

}  // namespace rune::agent
