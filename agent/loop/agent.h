#pragma once
/// The agent loop: ask the model, run the tools it wants (confined, in parallel), hand back the results, until there
/// is an answer or a reason to stop.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/conversation/compaction.h"
#include "agent/conversation/message.h"
#include "agent/conversation/model.h"
#include "agent/cost/price.h"
#include "agent/loop/parts.h"
#include "agent/run/run.h"

namespace rune::agent {

struct AgentOptions {
  std::string system_prompt;  ///< Stable text first, then what changes from run to run: never a date.
  Budgets budgets;
  bool attended = false;             ///< A person is at the terminal: denials go to the model and do not fail the run.
  bool yes = false;                  ///< Approve what confirm mode would ask.
  GenerationOptions generation;      ///< `schema` makes the answer validated JSON, with one repair round. Caps are
                                     ///< those of `budgets`.
  std::uint64_t context_window = 0;  ///< Tokens; 0: what the model client knows, else 128,000.
  double compact_threshold = 0.85;
  std::uint32_t compact_keep_last = 6;
  TurnPicker pick_turns;  ///< Which earlier turns compaction keeps; empty: none.
  PriceTable prices;
};

class Proving;

class Agent {
 public:
  Agent(AgentParts parts, AgentOptions options);
  ~Agent();
  /// One prompt, one result. Appends to history(), so that a next prompt goes on with the conversation.
  RunResult Run(const std::string& prompt, std::vector<Image> images = {});
  const std::vector<Message>& history() const { return history_; }
  void Reset();
  /// Shortens the history now; true when it got shorter.
  bool Compact();

 private:
  class Turn;
  AgentParts parts_;
  AgentOptions options_;
  std::vector<Message> history_;
  std::vector<ToolSpec> specs_;
  std::unique_ptr<Proving> proving_;
};

}  // namespace rune::agent
