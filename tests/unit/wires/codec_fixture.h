#pragma once
/// What the tests of every codec need: messages to encode, and a response decoded whole.

#include <string>
#include <utility>
#include <vector>

#include "agent/wires/codec.h"

namespace rune::test {

inline agent::Message User(const std::string& text) { return agent::MakeText(agent::Role::kUser, text); }
inline agent::Message Assistant(std::vector<agent::Part> parts) {
  return {.role = agent::Role::kAssistant, .parts = std::move(parts), .origin = "p/m"};
}
inline agent::Message Results(std::vector<agent::Part> parts) {
  return {.role = agent::Role::kTool, .parts = std::move(parts)};
}

/// `delivered` may be null.
inline agent::Decoded DecodeWhole(agent::Wire wire, const std::string& bytes, const std::string& type,
                                  std::string* delivered) {
  const auto decoder = agent::CodecOf(wire).decoder(type, {});
  const agent::TextSink sink = [delivered](std::string_view text) {
    if (delivered != nullptr) *delivered += text;
  };
  decoder->Feed(bytes, sink);
  return decoder->Finish(sink);
}

/// "id name{arguments}" of each.
inline std::vector<std::string> CallsIn(const agent::Decoded& decoded) {
  std::vector<std::string> calls;
  for (const agent::ToolCall& call : agent::CallsOf(decoded.message)) {
    calls.push_back(call.id + " " + call.name + call.args);
  }
  return calls;
}

}  // namespace rune::test
