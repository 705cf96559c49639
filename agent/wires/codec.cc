#include "agent/wires/codec.h"

#include <cstdlib>

#include "agent/wires/anthropic_messages.h"
#include "agent/wires/gemini_native.h"
#include "agent/wires/openai_chat.h"
#include "agent/wires/openai_responses.h"

namespace rune::agent {

const Codec& CodecOf(Wire wire) {
  switch (wire) {
    case Wire::kOpenAiChat:
      return kOpenAiChatCodec;
    case Wire::kOpenAiResponses:
      return kOpenAiResponsesCodec;
    case Wire::kAnthropicMessages:
      return kAnthropicCodec;
    case Wire::kGeminiNative:
      return kGeminiCodec;
  }
  std::abort();
}

}  // namespace rune::agent
