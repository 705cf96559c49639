#include "agent/providers/codec.h"

#include <cstdlib>

#include "agent/providers/anthropic_messages.h"
#include "agent/providers/gemini_native.h"
#include "agent/providers/openai_chat.h"
#include "agent/providers/openai_responses.h"

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
