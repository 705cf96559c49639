#pragma once
/// The OpenAI Chat Completions wire format, as OpenAI and a dozen others speak it
/// (https://platform.openai.com/docs/api-reference/chat). Pure: no I/O, no clock.

#include <memory>
#include <string>

#include "agent/wires/codec.h"

namespace rune::agent {

/// `messages` is the last member of a request. Pictures in tool results follow in a user message behind all results of
/// the turn: the wire has no place for them in a result.
WireRequest EncodeOpenAiChat(const std::string& model, const ModelRequest& request, const Caps& caps);

/// Reasoning::opaque of its messages is one of {"reasoning_details": [...]} (OpenRouter), {"reasoning_text",
/// "reasoning_opaque"} (Copilot) and {"reasoning_content"} (DeepSeek and its like, beside calls only);
/// ToolCall::opaque is {"extra_content": {...}} (Google's compatible endpoint).
std::unique_ptr<Decoder> MakeOpenAiChatDecoder(const std::string& content_type, const DecoderLimits& limits);

extern const Codec kOpenAiChatCodec;

}  // namespace rune::agent
