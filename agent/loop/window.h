#pragma once
/// Keeps a conversation within what the model takes in: before a call by our own count, after a refusal by the
/// provider's word, which knows better.

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/loop/agent.h"
#include "agent/loop/allowance.h"

namespace rune::agent {

class Window {
 public:
  /// All borrowed.
  struct Parts {
    std::vector<Message>& history;
    const std::vector<ToolSpec>& tools;
    const ModelClient& model;
    RunObserver& observer;
    Allowance& allowance;
  };
  Window(const Parts& parts, const AgentOptions& options) : parts_(parts), options_(options) {}

  /// Tokens of a request as it would be now, estimated.
  std::uint64_t Guess() const;
  /// Before a call: shortens the history when it is nearly too long.
  void Fit();
  /// After a call that was found too long: true when it is worth another try. Once for each call, and only when it
  /// makes a difference.
  bool Shorten();
  /// After an answer: what Shorten() left out stays out.
  void Keep() { before_.reset(); }
  /// After a failure: it comes back.
  void Restore();

 private:
  bool Compact(const TurnPicker& pick);

  Parts parts_;
  const AgentOptions& options_;
  std::optional<std::vector<Message>> before_;  ///< Between Shorten() and what follows it.
};

/// Shortens `history` as `options` say, but for the earlier turns that `pick` chooses; true when it got shorter.
bool Compact(std::vector<Message>& history, const AgentOptions& options, const TurnPicker& pick);

}  // namespace rune::agent
