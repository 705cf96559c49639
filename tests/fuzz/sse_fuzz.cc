/// The event stream reader: however the bytes are cut, the events are the same.

#include <vector>

#include "agent/http/sse.h"
#include "sandbox/base/text.h"
#include "tests/fuzz/fuzz.h"

namespace {

using rune::agent::SseEvent;
using rune::agent::SseParser;

std::string Events(std::string_view text, std::size_t piece) {
  std::string seen;
  const SseParser::Sink sink = [&](const SseEvent& event) {
    rune::fuzz::Expect(rune::IsValidUtf8(event.data), "data is valid UTF-8");
    seen += std::string(event.type) + '\1' + std::string(event.data) + (event.flushed_at_eof ? '\2' : '\3');
  };
  SseParser parser({.max_event_bytes = 64 << 10});
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!parser.Feed(text.substr(at, piece), sink)) return "overflow";
  }
  parser.Finish(sink);
  return seen + parser.stray();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = rune::fuzz::AsText(data + 1, size - 1);
  const std::string whole = Events(text, text.size() + 1);
  if (whole == "overflow") return 0;
  rune::fuzz::Expect(Events(text, 1) == whole, "byte by byte is the same as whole");
  rune::fuzz::Expect(Events(text, static_cast<std::size_t>(data[0]) + 1) == whole, "pieces are the same as whole");
  return 0;
}
