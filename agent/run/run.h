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
  std::string summary;             ///< Safe, one line.
  bool ran = false;                ///< It was started.
  bool refused = false;            ///< It never ran, or failed with a refusal in its report.
  bool is_error = false;           ///< What the model is told is an error.
  bool succeeded = false;          ///< It ran, and ended with exit code 0.
  std::string program;             ///< What a command line runs first; empty for other tools, and when it never ran.
  std::vector<Refusal> refusals;   ///< All of them, also of what programs tried on the way.
  std::vector<std::string> notes;  ///< Limits that it met and names that lead nowhere, one safe line each.
  std::string detail;              ///< Refusal, limit, error or exit code, one line; empty when fine.
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
  std::vector<Refusal> denials;       ///< Of all calls, each once.
  std::string unrecovered;            ///< Why the denials left something undone, one safe line; empty: they did not.
  Proof proof;                        ///< Empty when no tool was called.
  std::vector<EgressLine> egress;
  std::uint64_t wall_ms = 0;
  int signal_number = 0;  ///< Of a cancelled run.

  bool answered() const { return outcome == Outcome::kAnswered || outcome == Outcome::kAnsweredWithDenials; }
};

enum class Approval : std::uint8_t {
  kNo,
  kOnce,
  kAlways,       ///< What was asked for, in this session.
  kAlwaysBelow,  ///< Everything in Refusal::directory, in this session.
  kNobody,       ///< There is no person to be asked, so that the run cannot go on.
};

/// One answer of the model, for records.
struct StepRecord {
  std::uint32_t step = 0;
  std::string model;
  Usage usage;
  std::optional<std::uint64_t> cost;  ///< Picodollars; unset: no price is known.
  std::size_t calls = 0;              ///< Tool calls in it.
  std::uint64_t wall_us = 0;
};

/// Watches and steers a run. The default does nothing, and is nobody who could approve.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void OnText(std::string_view) {}
  virtual void OnStep(const StepRecord&) {}
  virtual void OnToolStart(const ToolRecord&) {}
  virtual void OnToolEnd(const ToolRecord&, const std::string& /*text*/) {}
  virtual void OnNotice(const std::string&) {}
  virtual void OnEnd(const RunResult&) {}
  virtual Approval Approve(const ToolRecord&, const Refusal&) { return Approval::kNobody; }
};

}  // namespace rune::agent
