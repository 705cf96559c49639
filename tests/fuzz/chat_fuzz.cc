/// A response of a server that speaks OpenAI's Chat Completions.

#include "agent/wires/codec.h"
#include "tests/fuzz/wire_fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rune::fuzz::PlayWire(rune::agent::CodecOf(rune::agent::Wire::kOpenAiChat), data, size);
  return 0;
}
