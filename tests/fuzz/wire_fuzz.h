#pragma once
/// What holds for every wire format: the result does not depend on the cuts, and what a server made us remember can be
/// sent back to it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/json/json.h"
#include "agent/wires/codec.h"
#include "agent/wires/normalise.h"
#include "tests/fuzz/fuzz.h"

namespace rune::fuzz {

inline agent::Decoded Decode(const agent::Codec& codec, std::string_view text, const std::string& type,
                             std::size_t piece) {
  const auto decoder = codec.decoder(type, {.max_text_bytes = 64 << 10, .max_body_bytes = 64 << 10});
  for (std::size_t at = 0; at < text.size() && !decoder->settled(); at += piece)
    decoder->Feed(text.substr(at, piece), {});
  return decoder->Finish({});
}

inline std::string Summary(const agent::Decoded& decoded) {
  std::string summary = std::to_string(static_cast<int>(decoded.fault));
  if (decoded.fault != agent::StreamFault::kNone) return summary;
  for (const agent::Part& part : decoded.message.parts) {
    if (const auto* const text = std::get_if<agent::Text>(&part)) summary += "\1t" + text->text;
    if (const auto* const thought = std::get_if<agent::Reasoning>(&part))
      summary += "\1r" + thought->text + "\2" + thought->opaque;
    if (const auto* const call = std::get_if<agent::ToolCall>(&part))
      summary += "\1c" + call->id + "\2" + call->name + "\2" + call->args + "\2" + call->opaque;
  }
  return summary;
}

/// The first byte says how the rest is cut and what it is called.
inline void PlayWire(const agent::Codec& codec, const std::uint8_t* data, std::size_t size) {
  if (size == 0) return;
  const std::string_view text = AsText(data + 1, size - 1);
  const std::string type = data[0] % 2 == 0 ? "text/event-stream" : "application/json";
  const agent::Decoded decoded = Decode(codec, text, type, text.size() + 1);
  const std::string whole = Summary(decoded);
  Expect(Summary(Decode(codec, text, type, 1)) == whole, "byte by byte is the same as whole");
  Expect(Summary(Decode(codec, text, type, static_cast<std::size_t>(data[0]) + 1)) == whole,
         "pieces are the same as whole");
  if (decoded.fault != agent::StreamFault::kNone) return;

  std::vector<agent::Message> history{agent::MakeText(agent::Role::kUser, "Hi"), decoded.message};
  history.back().origin = "p/m";
  agent::AdoptReply(history.back(), {});
  history.push_back(agent::MakeText(agent::Role::kUser, "Go on"));
  const auto normal = agent::Normalise(history, {.origin = "p/m"});
  const std::string body = codec.encode("gemini-3", {.messages = normal, .tools = {}, .options = {}}, {}).body;
  Expect(json::Document::Parse(body, "", {.max_depth = 1000}).ok(), "what came back in is JSON on the way out");
}

}  // namespace rune::fuzz
