#pragma once
/// Gemini's own wire format (https://ai.google.dev/api/generate-content, v1beta). Pure: no I/O, no clock.

#include <memory>
#include <string>
#include <string_view>

#include "agent/wires/codec.h"

namespace rune::agent {

/// `contents` is the last member.
WireRequest EncodeGemini(const std::string& model, const ModelRequest& request, const Caps& caps);

std::unique_ptr<Decoder> MakeGeminiDecoder(const std::string& content_type, const DecoderLimits& limits);

/// "models/gemini-3-pro-preview": 3; 0 for other names. From 3 on calls must carry their signature, and pictures have
/// their place in results.
int GeminiGeneration(std::string_view model);

extern const Codec kGeminiCodec;

}  // namespace rune::agent
