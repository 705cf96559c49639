/// A response of a server that speaks OpenAI's Chat Completions.

#include "agent/wires/openai_chat.h"
#include "tests/fuzz/wire_fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rune::fuzz::PlayWire(rune::agent::kOpenAiChatCodec, data, size);
  return 0;
}
