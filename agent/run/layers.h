#pragma once
/// The layers of the sandbox, written down: for logs, tables, JSON and records. Pure.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/json/json.h"
#include "sandbox/confinement.h"

namespace rune::agent {

/// "limits: cgroup v1; network: off; landlock: missing (no Landlock)", for a log line; "not used" without layers.
std::string LayersLine(const std::vector<sandbox::LayerReport>& layers);
/// "landlock  missing   (no Landlock)": one row of a table for each.
std::vector<std::string> LayerRows(const std::vector<sandbox::LayerReport>& layers);
/// Into an open object: `state`, `mechanism`, and `why` when there is a reason.
void WriteLayer(json::Writer& writer, const sandbox::LayerReport& layer);

/// "eedmo": a letter for each layer, outermost first, "-" for one that is not there; empty without layers.
std::string LayerLetters(const std::vector<sandbox::LayerReport>& layers);
/// {"limits", "enforced"}, ... from such letters, "unknown" for others; empty when they are not as many as the layers.
std::vector<std::pair<std::string_view, std::string_view>> LayerStates(std::string_view letters);

/// "5/5, probes 27/27": layers enforced of all, acts refused of those tried.
struct ProofCounts {
  std::size_t enforced = 0;
  std::size_t layers = 0;
  std::size_t closed = 0;
  std::size_t tried = 0;  ///< 0: nothing is said of probes.
};
std::string CountsText(const ProofCounts& counts);

}  // namespace rune::agent
