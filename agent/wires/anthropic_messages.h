#pragma once
/// The Anthropic Messages wire format (https://docs.anthropic.com/en/api/messages). Pure: no I/O, no clock.

#include <memory>
#include <string>
#include <string_view>

#include "agent/wires/codec.h"

namespace rune::agent {

/// The header that every request of this API needs.
inline constexpr std::string_view kAnthropicVersion = "anthropic-version: 2023-06-01";

/// `messages` is the last member. With Caps::cache_marks, cache_control stands in at most three places: behind the
/// system prompt (behind the tools when there is none), and behind the last two user turns. The newest mark stores what
/// this request adds, the one before it is where the previous request stored, so that it is found however many blocks
/// lie between. Servers leave the marks out of the comparison; apart from them request k, less its closing brackets, is
/// a byte prefix of request k+1.
WireRequest EncodeAnthropicMessages(const std::string& model, const ModelRequest& request, const Caps& caps);

std::unique_ptr<Decoder> MakeAnthropicDecoder(const std::string& content_type, const DecoderLimits& limits);

extern const Codec kAnthropicCodec;

}  // namespace rune::agent
