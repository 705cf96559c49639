/// A model server's response: whatever comes, and however it is cut, the decoder ends with the same message or a named
/// fault.

#include "agent/message.h"
#include "agent/providers/openai_chat.h"
#include "tests/fuzz/fuzz.h"

namespace {

using rune::agent::Decoded;
using rune::agent::StreamFault;

std::string Summary(std::string_view text, std::size_t piece) {
  const auto decoder = rune::agent::kOpenAiChatCodec.decoder("text/event-stream",
                                                             {.max_text_bytes = 64 << 10, .max_body_bytes = 64 << 10});
  for (std::size_t at = 0; at < text.size() && !decoder->settled(); at += piece) {
    decoder->Feed(text.substr(at, piece), {});
  }
  const Decoded decoded = decoder->Finish({});
  std::string summary = std::to_string(static_cast<int>(decoded.fault));
  if (decoded.fault != StreamFault::kNone) return summary;
  summary += rune::agent::TextOf(decoded.message);
  for (const auto& call : rune::agent::CallsOf(decoded.message))
    summary += '\1' + call.id + '\1' + call.name + '\1' + call.args;
  return summary;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = rune::fuzz::AsText(data + 1, size - 1);
  const std::string whole = Summary(text, text.size() + 1);
  rune::fuzz::Expect(Summary(text, 1) == whole, "byte by byte is the same as whole");
  rune::fuzz::Expect(Summary(text, static_cast<std::size_t>(data[0]) + 1) == whole, "pieces are the same as whole");
  return 0;
}
