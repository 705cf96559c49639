#include "agent/conversation/history.h"

#include <algorithm>
#include <string>

namespace rune::agent {
namespace {

constexpr std::uint64_t kPerMessage = 8;
constexpr std::uint64_t kPerImage = 1'600;  ///< Providers scale pictures down to about this.
constexpr std::string_view kNote = "[Earlier messages were left out to stay within the context window: ";

std::uint64_t TokensOf(std::string_view text) {
  std::uint64_t ascii = 0;
  std::uint64_t other = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      ++ascii;
    else if (byte >= 0xC0)
      ++other;  // the lead byte of one code point
  }
  return (ascii + 3) / 4 + other;
}

std::uint64_t TokensOf(const Part& part) {
  struct {
    std::uint64_t operator()(const Text& p) const { return TokensOf(p.text); }
    std::uint64_t operator()(const Image&) const { return kPerImage; }
    std::uint64_t operator()(const Reasoning& p) const { return TokensOf(p.opaque); }
    std::uint64_t operator()(const ToolCall& p) const { return TokensOf(p.name) + TokensOf(p.args) + kPerMessage; }
    std::uint64_t operator()(const ToolResult& p) const {
      return TokensOf(p.text) + p.images.size() * kPerImage + kPerMessage;
    }
  } count;
  return std::visit(count, part);
}

}  // namespace

std::uint64_t EstimateTokens(const std::vector<Message>& history) {
  std::uint64_t tokens = 0;
  for (const Message& message : history) {
    tokens += kPerMessage;
    for (const Part& part : message.parts) tokens += TokensOf(part);
  }
  return tokens;
}

std::uint64_t EstimateTokens(const std::vector<ToolSpec>& tools) {
  std::uint64_t tokens = 0;
  for (const ToolSpec& tool : tools)
    tokens += kPerMessage + TokensOf(tool.name) + TokensOf(tool.description) + TokensOf(tool.schema);
  return tokens;
}

bool CompactHistory(std::vector<Message>& history, std::size_t keep_last) {
  std::size_t head = 0;
  while (head < history.size() && history[head].role == Role::kSystem) ++head;
  if (head < history.size() && history[head].role == Role::kUser) ++head;
  const bool has_note =
      head < history.size() && history[head].role == Role::kUser && TextOf(history[head]).starts_with(kNote);
  if (history.size() < head + keep_last + 1) return false;
  std::size_t tail = history.size() - keep_last;
  // A tool message belongs to the assistant message before it.
  while (tail > head && history[tail].role == Role::kTool) --tail;
  if (tail <= head + (has_note ? 1 : 0)) return false;
  const std::size_t dropped = tail - head;
  const auto first = history.begin() + static_cast<std::ptrdiff_t>(head);
  history.erase(first, first + static_cast<std::ptrdiff_t>(dropped));
  history.insert(history.begin() + static_cast<std::ptrdiff_t>(head),
                 MakeText(Role::kUser, std::string(kNote) + std::to_string(dropped) + " messages.]"));
  return true;
}

}  // namespace rune::agent
