/// A response of a server that speaks OpenAI's Responses.

#include "agent/wires/codec.h"
#include "tests/fuzz/wire_fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rune::fuzz::PlayWire(rune::agent::CodecOf(rune::agent::Wire::kOpenAiResponses), data, size);
  return 0;
}
