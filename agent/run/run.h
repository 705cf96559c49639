#pragma once
/// What a run leaves behind, and who watches it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/policy/refusal.h"
#include "agent/run/egress.h"
#include "agent/run/outcome.h"
#include "agent/run/proof.h"

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

}  // namespace rune::agent
