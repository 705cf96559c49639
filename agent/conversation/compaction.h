#pragma once
/// The size of a conversation, and making it smaller without breaking it. Pure.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/conversation/message.h"

namespace rune::agent {

/// Tokens, estimated: ASCII bytes / 4, other code points 1 each, 8 per message, 1,600 per picture.
std::uint64_t EstimateTokens(const std::vector<Message>& history);
std::uint64_t EstimateTokens(const std::vector<ToolSpec>& tools);

/// Says which of `turns` (their texts, oldest first) matter for `question`; indices, in any order. May pick none.
using TurnPicker =
    std::function<std::vector<std::size_t>(const std::string& question, const std::vector<std::string>& turns)>;

/// Drops the oldest messages but the leading system ones and the first user prompt, and puts a note in their place.
/// Keeps at least `keep_last` messages, extended back to where a turn begins, the turn that begins with the newest
/// question, and the earlier turns that `pick` (may be empty) chooses for it. A turn is kept whole or not at all, so
/// that no tool result loses its call. False when nothing could be dropped.
bool CompactHistory(std::vector<Message>& history, std::size_t keep_last, const TurnPicker& pick = {});

}  // namespace rune::agent
