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
#include "agent/conversation/history.h"
#include "agent/cost/price.h"
#include "agent/egress.h"
#include "agent/message.h"
#include "agent/outcome.h"
#include "agent/policy/policy.h"
#include "agent/proof.h"
#include "agent/providers/model_client.h"
#include "agent/tools/tool.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/sandbox.h"

namespace rune::agent {

/// What happened to one tool call, for people and for records.
struct ToolRecord {
  std::uint32_t step = 0;
  std::string name;
  std::string summary;  ///< Safe, one line.
  bool refused = false;
  bool is_error = false;
  std::string detail;  ///< Refusal, limit or error, one line; empty when fine.
  std::uint64_t wall_us = 0;
  std::uint64_t output_bytes = 0;
};

struct RunResult {
  Outcome outcome = Outcome::kInternal;
  std::string answer;      ///< Safe text. Empty unless answered.
  std::string structured;  ///< Canonical JSON of the answer when a schema was given.
  std::string detail;      ///< Why it ended, one safe line; empty when answered.
  std::string model;       ///< As the provider named it.
  std::string provider;
  std::uint32_t steps = 0;  ///< Model calls.
  Usage usage;
  std::optional<std::uint64_t> cost;  ///< Picodollars, estimated by the price table; unset: a price is not known.
  std::vector<ToolRecord> tools;      ///< In call order.
  std::vector<Refusal> denials;
  Proof proof;  ///< Empty when no tool was called.
  std::vector<EgressLine> egress;
  std::uint64_t wall_ms = 0;
  int signal_number = 0;  ///< Of a cancelled run.

  bool answered() const { return outcome == Outcome::kAnswered || outcome == Outcome::kAnsweredWithDenials; }
};

enum class Approval : std::uint8_t { kNo, kOnce, kAlways };

/// One answer of the model, for records.
struct StepRecord {
  std::uint32_t step = 0;
  std::string model;
  Usage usage;
  std::optional<std::uint64_t> cost;  ///< Picodollars; unset: no price is known.
  std::size_t calls = 0;              ///< Tool calls in it.
  std::uint64_t wall_us = 0;
};

/// Watches and steers a run. The default does nothing and approves nothing.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void OnText(std::string_view) {}
  virtual void OnStep(const StepRecord&) {}
  virtual void OnToolStart(const ToolRecord&) {}
  virtual void OnToolEnd(const ToolRecord&, const std::string& /*text*/) {}
  virtual void OnNotice(const std::string&) {}
  virtual void OnEnd(const RunResult&) {}
  virtual Approval Approve(const ToolRecord&, const Refusal&) { return Approval::kNo; }
};

struct AgentParts {
  EventLoop& loop;
  ModelClient& model;
  sandbox::Sandbox& sandbox;
  Policy& policy;
  RunObserver& observer;
};

struct AgentOptions {
  std::string system_prompt;  ///< Stable text: no date, no directory, nothing that changes from run to run.
  Budgets budgets;
  OnDenial on_denial = OnDenial::kFail;
  bool attended = false;             ///< A person is at the terminal: denials go to the model and do not fail the run.
  bool yes = false;                  ///< Approve what confirm mode would ask.
  GenerationOptions generation;      ///< `schema` makes the answer validated JSON, with one repair round.
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
  bool Compact() { return Compact(options_.pick_turns); }

 private:
  class Turn;
  bool Compact(const TurnPicker& pick);
  AgentParts parts_;
  AgentOptions options_;
  std::vector<Message> history_;
  std::vector<ToolSpec> specs_;
  std::unique_ptr<Proving> proving_;
};

}  // namespace rune::agent
