#include "agent/conversation/compaction.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::uint64_t kPerMessage = 8;
constexpr std::uint64_t kPerImage = 1'600;  ///< Providers scale pictures down to about this.
constexpr std::size_t kTurnBytes = 4'000;
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

bool IsNote(const Message& message) { return message.role == Role::kUser && TextOf(message).starts_with(kNote); }

std::vector<Message>::iterator At(std::vector<Message>& history, std::size_t index) {
  return history.begin() + static_cast<std::ptrdiff_t>(index);
}

/// Messages that only make sense together: what was asked, what the model said, what its tools answered.
struct Turn {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool keep = false;
};

std::vector<Turn> TurnsOf(const std::vector<Message>& history, std::size_t begin, std::size_t end) {
  std::vector<Turn> turns;
  for (std::size_t i = begin; i < end;) {
    Turn turn{i, i, false};
    while (turn.end < end && history[turn.end].role == Role::kUser) ++turn.end;
    if (turn.end < end && history[turn.end].role == Role::kAssistant) ++turn.end;
    while (turn.end < end && history[turn.end].role == Role::kTool) ++turn.end;
    if (turn.end == i) ++turn.end;  // a system message in the middle
    i = turn.end;
    turns.push_back(turn);
  }
  return turns;
}

/// What a turn is about, as far as it is worth comparing.
std::string TextOfTurn(const std::vector<Message>& history, const Turn& turn) {
  std::string text;
  for (std::size_t i = turn.begin; i < turn.end; ++i) {
    for (const Part& part : history[i].parts) {
      if (const auto* said = std::get_if<Text>(&part)) text += said->text + "\n";
      if (const auto* call = std::get_if<ToolCall>(&part)) text += call->name + " " + call->args + "\n";
      if (const auto* result = std::get_if<ToolResult>(&part)) text += result->text + "\n";
    }
  }
  return std::string(Utf8Prefix(text, kTurnBytes));
}

/// What the user asked last, which everything behind it is about; history.size() when there is none. A bracket behind a
/// tool's result is a hint of ours; a question may stand there, too, when the run before it was broken off.
std::size_t QuestionIn(const std::vector<Message>& history) {
  for (std::size_t i = history.size(); i-- > 0;) {
    const bool is_hint = i > 0 && history[i - 1].role == Role::kTool && TextOf(history[i]).starts_with('[');
    if (history[i].role == Role::kUser && !is_hint && !IsNote(history[i])) return i;
  }
  return history.size();
}

void MarkRelevant(const std::vector<Message>& history, const Message& question, const TurnPicker& pick,
                  std::vector<Turn>& turns) {
  std::vector<std::string> texts;
  texts.reserve(turns.size());
  for (const Turn& turn : turns) texts.push_back(TextOfTurn(history, turn));
  for (const std::size_t index : pick(std::string(Utf8Prefix(TextOf(question), kTurnBytes)), texts)) {
    if (index < turns.size()) turns[index].keep = true;
  }
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

bool CompactHistory(std::vector<Message>& history, std::size_t keep_last, const TurnPicker& pick) {
  std::size_t head = 0;
  while (head < history.size() && history[head].role == Role::kSystem) ++head;
  if (head < history.size() && history[head].role == Role::kUser) ++head;
  const bool has_note = head < history.size() && IsNote(history[head]);
  if (history.size() < head + keep_last + 1) return false;
  std::size_t tail = history.size() - keep_last;
  // A tool message belongs to the assistant message before it.
  while (tail > head && history[tail].role == Role::kTool) --tail;
  const std::size_t middle = head + (has_note ? 1 : 0);
  if (tail <= middle) return false;
  std::vector<Turn> turns = TurnsOf(history, middle, tail);
  const std::size_t question = QuestionIn(history);
  for (Turn& turn : turns) turn.keep = turn.begin <= question && question < turn.end;
  if (pick && question < history.size()) MarkRelevant(history, history[question], pick, turns);

  std::vector<Message> kept;
  std::size_t dropped = has_note ? 1 : 0;
  for (const Turn& turn : turns) {
    if (!turn.keep) dropped += turn.end - turn.begin;
    for (std::size_t i = turn.begin; turn.keep && i < turn.end; ++i) kept.push_back(std::move(history[i]));
  }
  if (kept.size() == tail - middle) {
    std::move(kept.begin(), kept.end(), At(history, middle));
    return false;
  }
  kept.insert(kept.begin(), MakeText(Role::kUser, std::string(kNote) + std::to_string(dropped) + " messages.]"));
  history.erase(At(history, head), At(history, tail));
  history.insert(At(history, head), std::make_move_iterator(kept.begin()), std::make_move_iterator(kept.end()));
  return true;
}

}  // namespace rune::agent
