#pragma once
/// Responses of Anthropic's servers, put together from their events.

#include <string>
#include <vector>

#include "agent/wires/codec.h"
#include "tests/unit/wires/codec_fixture.h"

namespace rune::test::anthropic {

/// {"type":"ping"} as the server frames it.
inline std::string Event(const std::string& json) {
  const std::size_t at = json.find(R"("type":")") + 8;
  return "event: " + json.substr(at, json.find('"', at) - at) + "\ndata: " + json + "\n\n";
}
inline std::string Start(const std::string& id = "msg_1", const std::string& usage = R"({"input_tokens":10})") {
  return Event(R"({"type":"message_start","message":{"id":")" + id +
               R"(","type":"message","role":"assistant","content":[],"model":"claude-x","stop_reason":null,"usage":)" +
               usage + "}}");
}
inline std::string Block(int index, const std::string& block) {
  return Event(R"({"type":"content_block_start","index":)" + std::to_string(index) + R"(,"content_block":)" + block +
               "}");
}
inline std::string Delta(int index, const std::string& delta) {
  return Event(R"({"type":"content_block_delta","index":)" + std::to_string(index) + R"(,"delta":)" + delta + "}");
}
inline std::string EndOf(int index) {
  return Event(R"({"type":"content_block_stop","index":)" + std::to_string(index) + "}");
}
inline std::string Words(const std::string& text, int index = 0) {
  return Delta(index, R"({"type":"text_delta","text":")" + text + R"("})");
}
inline std::string Say(const std::string& text, int index = 0) {
  return Block(index, R"({"type":"text","text":""})") + Words(text, index) + EndOf(index);
}
inline std::string Args(int index, const std::string& json) {
  return Delta(index, R"({"type":"input_json_delta","partial_json":")" + json + R"("})");
}
inline std::string Call(int index, const std::string& id, const std::string& args) {
  return Block(index, R"({"type":"tool_use","id":")" + id + R"(","name":"f","input":{}})") + Args(index, args) +
         EndOf(index);
}
inline const std::string kStop = Event(R"({"type":"message_stop"})");
inline std::string End(const std::string& reason, const std::string& usage = R"({"output_tokens":5})") {
  return Event(R"({"type":"message_delta","delta":{"stop_reason":")" + reason + R"(","stop_sequence":null},"usage":)" +
               usage + "}") +
         kStop;
}

inline const std::string kThinking = Block(0, R"({"type":"thinking","thinking":"","signature":""})") +
                                     Delta(0, R"({"type":"thinking_delta","thinking":"so "})") +
                                     Delta(0, R"({"type":"thinking_delta","thinking":"it \"is\""})");
inline std::string Signature(const std::string& signature) {
  return Delta(0, R"({"type":"signature_delta","signature":")" + signature + R"("})");
}

inline const std::string kEvents = "text/event-stream; charset=utf-8";

inline agent::Decoded Decode(const std::string& bytes, const std::string& type = kEvents,
                             std::string* delivered = nullptr) {
  return DecodeWhole(agent::Wire::kAnthropicMessages, bytes, type, delivered);
}

}  // namespace rune::test::anthropic
