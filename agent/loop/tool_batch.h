#pragma once
/// Runs the tool calls of one answer: checks, asks where a person may decide, starts them as parallel confined children
/// and gives the results back in call order.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/loop/parts.h"
#include "agent/run/run.h"

namespace rune::agent {

struct BatchOptions {
  std::uint32_t step = 0;
  std::chrono::milliseconds tool_wall{0};
  TimePoint deadline = kNever;  ///< Of the run; running tools are killed then.
  bool yes = false;
};

struct BatchResult {
  Message message;                  ///< Role kTool, one ToolResult per call, in call order.
  std::vector<ToolRecord> records;  ///< In call order.
  std::vector<Refusal> denials;     ///< By policy, by a person, by the kernel.
  std::vector<EgressLine> egress;   ///< Of all of them together.
  std::optional<Refusal> unasked;   ///< What a person had to decide, and nobody is there. Nothing was started then.
  std::string lost;                 ///< Why the guardian could not be started or kept; empty: it was.
};

/// Returns when every call has its result, also after an interruption or the deadline: then the rest is killed and says
/// so.
BatchResult RunToolBatch(const AgentParts& parts, const std::vector<ToolCall>& calls, const BatchOptions& options);

}  // namespace rune::agent
