#pragma once
/// What the tools of a run exchanged with the network, by name: for the log, the result and the trace.

#include <cstdint>
#include <string>
#include <vector>

#include "agent/json/json.h"
#include "sandbox/report.h"

namespace rune::agent {

struct EgressLine {
  sandbox::Egress egress;            ///< Of all tool calls together.
  std::vector<std::uint32_t> steps;  ///< That caused it, each once.
};

/// Adds what one tool call of `step` has reported.
void AddEgress(std::vector<EgressLine>& lines, const std::vector<sandbox::Egress>& reported, std::uint32_t step);
/// An array of objects: target, port, lookups, connections, refused, sent, received, steps.
void WriteEgress(json::Writer& writer, const std::vector<EgressLine>& lines);
/// One safe line each: "example.com:443  1 connection, 512 B up, 10.2 kB down, step 2".
std::vector<std::string> EgressText(const std::vector<EgressLine>& lines);

}  // namespace rune::agent
