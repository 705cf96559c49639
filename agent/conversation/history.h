#pragma once
/// The size of a conversation, and making it smaller without breaking it. Pure.

#include <cstdint>
#include <vector>

#include "agent/message.h"

namespace rune::agent {

/// Tokens, estimated: ASCII bytes / 4, other code points 1 each, 8 per message.
std::uint64_t EstimateTokens(const std::vector<Message>& history);
std::uint64_t EstimateTokens(const std::vector<ToolSpec>& tools);

/// Drops the oldest messages but the leading system ones and the first user prompt, and puts a note in their place.
/// Keeps at least `keep_last` messages, extended back to where a turn begins, so that no tool result loses its call.
/// False when nothing could be dropped.
bool CompactHistory(std::vector<Message>& history, std::size_t keep_last);

}  // namespace rune::agent
