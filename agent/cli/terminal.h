#pragma once
/// Progress on stderr, and questions to the person at the terminal.

#include <cstdint>
#include <optional>
#include <string>

#include "agent/run/run.h"
#include "sandbox/base/event_loop.h"

namespace rune::agent {

/// Reads one line from `fd` (borrowed) through the loop. nullopt at end of file or when interrupted.
std::optional<std::string> ReadLine(EventLoop& loop, int fd, std::string& pending);

class TerminalObserver : public RunObserver {
 public:
  enum class Verbosity : std::uint8_t { kQuiet, kProgress };
  enum class Questions : std::uint8_t { kRefuse, kAsk };
  TerminalObserver(EventLoop& loop, Verbosity verbosity, Questions questions)
      : loop_(loop), verbosity_(verbosity), questions_(questions) {}

  void OnText(std::string_view text) override;
  void OnToolStart(const ToolRecord& record) override;
  void OnToolEnd(const ToolRecord& record, const std::string& text) override;
  void OnNotice(const std::string& notice) override;
  void OnEnd(const RunResult& result) override;
  Approval Approve(const ToolRecord& record, const Refusal& refusal) override;
  /// What was typed before a question stood on the screen: it answers nothing, and is for the next prompt.
  std::string TakeTypedAhead();
  /// True when the answer was printed while it arrived.
  bool streamed() const { return streamed_; }

 private:
  void Print(const std::string& line) const;

  EventLoop& loop_;
  Verbosity verbosity_;
  Questions questions_;
  bool streamed_ = false;
  std::string said_of_layers_;  ///< The same is not said twice in a session.
  std::string typed_ahead_;
};

}  // namespace rune::agent
