#pragma once
/// A tool turns arguments into a confined command and the command's output into text. It does no I/O itself: what a
/// model asks for is done by a confined child, never by the agent.

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/json/json.h"
#include "agent/policy/policy.h"
#include "agent/policy/refusal.h"
#include "sandbox/command.h"
#include "sandbox/report.h"

namespace rune::agent {

struct ToolContext {
  const Policy& policy;
  std::chrono::milliseconds wall_limit;  ///< Default and ceiling of a call.
};

/// A call that is ready to run (once `verdict` allows it, or a person does).
struct ToolPlan {
  sandbox::Command command;
  sandbox::Confinement confinement;           ///< When the verdict allows it.
  sandbox::Confinement approved_confinement;  ///< When a person allowed it.
  Verdict verdict;
  std::string summary;                  ///< One line for people: "execute_cmd df -h /". Not yet made safe.
  std::string program;                  ///< What a command line runs first; empty for other tools.
  std::vector<std::string> hosts;       ///< Policy::NamedHosts() of a command line.
  std::optional<Refusal> named_secret;  ///< What the call names beside what is judged, and which stays closed.
};

/// The arguments are not what the schema says; the text goes to the model.
struct BadArguments {
  std::string message;
};
using Prepared = std::variant<ToolPlan, BadArguments>;

struct ToolOutput {
  std::string text;  ///< For the model: safe, capped, valid UTF-8.
  bool is_error = false;
};

struct Tool {
  ToolSpec spec;
  std::function<Prepared(const json::View& args, const ToolContext& context)> prepare;
  std::function<ToolOutput(const sandbox::Completed& done)> render;
};

/// Bytes of a result that reach the model; the rest is named by its spill file.
inline constexpr std::size_t kToolTextLimit = 8 << 10;

}  // namespace rune::agent
