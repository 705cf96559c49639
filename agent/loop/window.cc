#include "agent/loop/window.h"

#include <algorithm>
#include <string>
#include <utility>

namespace rune::agent {
namespace {

constexpr std::uint64_t kUsualWindow = 128'000;

std::uint64_t SizeOf(const AgentOptions& options, const ModelClient& model) {
  if (options.context_window > 0) return options.context_window;
  const std::uint64_t known = model.context_window();
  return known > 0 ? known : kUsualWindow;
}

}  // namespace

bool Compact(std::vector<Message>& history, const AgentOptions& options, const TurnPicker& pick) {
  return CompactHistory(history, std::max<std::size_t>(1, options.compact_keep_last), pick);
}

bool Window::Compact(const TurnPicker& pick) {
  if (!agent::Compact(parts_.history, options_, pick)) return false;
  parts_.allowance.Shortened();
  return true;
}

std::uint64_t Window::Guess() const { return EstimateTokens(parts_.history) + EstimateTokens(parts_.tools); }

void Window::Fit() {
  const auto limit =
      static_cast<std::uint64_t>(static_cast<double>(SizeOf(options_, parts_.model)) * options_.compact_threshold);
  const std::uint64_t before = parts_.allowance.Input(Guess());
  if (limit == 0 || before <= limit || !Compact(options_.pick_turns)) return;
  // What seemed to matter must not keep the rest from fitting.
  if (options_.pick_turns && Guess() > limit) Compact({});
  parts_.observer.OnNotice("context compacted: about " + std::to_string(before) + " -> " + std::to_string(Guess()) +
                           " tokens");
}

bool Window::Shorten() {
  if (before_) return false;
  std::vector<Message> before = parts_.history;
  if (!agent::Compact(parts_.history, options_, {})) return false;
  const std::uint64_t size = EstimateTokens(before);
  if (EstimateTokens(parts_.history) > size - size / 10) {
    parts_.history = std::move(before);
    return false;
  }
  before_ = std::move(before);
  parts_.allowance.Shortened();
  parts_.observer.OnNotice("the conversation does not fit the model's window: older messages were left out");
  return true;
}

void Window::Restore() {
  if (before_) parts_.history = *std::exchange(before_, std::nullopt);
}

}  // namespace rune::agent
