#pragma once
/// The OpenAI Responses wire format (https://platform.openai.com/docs/api-reference/responses), without its server-side
/// state: everything is sent every time, and nothing is stored. Pure: no I/O, no clock.

#include <memory>
#include <string>

#include "agent/wires/codec.h"

namespace rune::agent {

/// `input` is the last member.
WireRequest EncodeOpenAiResponses(const std::string& model, const ModelRequest& request, const Caps& caps);

/// Every reasoning item is one Reasoning part, whose opaque text is {"type":"reasoning", ...}, in its place before
/// what came of it. One whose opaque text is {"phase": ...} belongs to the text behind it.
std::unique_ptr<Decoder> MakeOpenAiResponsesDecoder(const std::string& content_type, const DecoderLimits& limits);

extern const Codec kOpenAiResponsesCodec;

}  // namespace rune::agent
