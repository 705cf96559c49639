/// A response of an Anthropic server.

#include "agent/wires/anthropic_messages.h"
#include "tests/fuzz/wire_fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rune::fuzz::PlayWire(rune::agent::kAnthropicCodec, data, size);
  return 0;
}
