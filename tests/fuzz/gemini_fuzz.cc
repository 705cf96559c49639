/// A response of a Gemini server.

#include "agent/wires/codec.h"
#include "agent/wires/gemini_schema.h"
#include "tests/fuzz/wire_fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rune::fuzz::PlayWire(rune::agent::CodecOf(rune::agent::Wire::kGeminiNative), data, size);
  const std::string schema = rune::agent::SanitiseForGemini(rune::fuzz::AsText(data, size));
  rune::fuzz::Expect(rune::json::Document::Parse(schema, "", {.max_depth = 1000}).ok(), "a schema is JSON");
  return 0;
}
