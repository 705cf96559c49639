#pragma once
/// Responses of chat servers, put together from their parts.

#include <string>
#include <vector>

#include "agent/wires/codec.h"
#include "tests/unit/wires/codec_fixture.h"

namespace rune::test {

using agent::CallsOf;
using agent::Decoded;
using agent::TextSink;
using agent::ToolCall;

inline const std::string kEvents = "text/event-stream; charset=utf-8";
inline const std::string kStopped = R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";

/// Chunks as a server frames them; "[DONE]" behind them unless `end` says otherwise.
inline std::string Stream(const std::vector<std::string>& chunks, const std::string& end = "data: [DONE]\n\n") {
  std::string text;
  for (const std::string& chunk : chunks) {
    text += "data: ";
    for (const char c : chunk) text += c == '\n' ? std::string("\ndata: ") : std::string(1, c);
    text += "\n\n";
  }
  return text + end;
}

/// A chunk with this delta.
inline std::string Delta(const std::string& members) {
  return R"({"choices":[{"index":0,"delta":{)" + members + "}}]}";
}
inline std::string Content(const std::string& text) { return Delta(R"("content":")" + text + R"(")"); }
inline std::string Calls(const std::string& pieces) { return Delta(R"("tool_calls":[)" + pieces + "]"); }

inline Decoded Decode(const std::string& bytes, const std::string& type = kEvents, std::string* delivered = nullptr) {
  return DecodeWhole(agent::Wire::kOpenAiChat, bytes, type, delivered);
}

}  // namespace rune::test
