#include "agent/run/layers.h"

#include <algorithm>
#include <array>

namespace rune::agent {
namespace {

using sandbox::LayerReport;
using sandbox::LayerState;

/// Versions that are kept for years hold these letters.
constexpr std::array<std::pair<LayerState, char>, 4> kLetters{
    {{LayerState::kOff, 'o'}, {LayerState::kEnforced, 'e'}, {LayerState::kDegraded, 'd'}, {LayerState::kMissing, 'm'}}};

/// "cgroup v1 (no room for more)", "(no Landlock)"
std::string Means(const LayerReport& layer) {
  if (layer.why.empty()) return layer.mechanism;
  return layer.mechanism + (layer.mechanism.empty() ? "" : " ") + "(" + layer.why + ")";
}

}  // namespace

std::string LayersLine(const std::vector<LayerReport>& layers) {
  std::string line;
  for (const LayerReport& layer : layers) {
    line += (line.empty() ? "" : "; ") + std::string(LayerName(layer.layer)) + ": ";
    if (layer.state != LayerState::kEnforced) line += std::string(LayerStateName(layer.state)) + " ";
    line += Means(layer);
    if (line.back() == ' ') line.pop_back();
  }
  return line.empty() ? "not used" : line;
}

std::vector<std::string> LayerRows(const std::vector<LayerReport>& layers) {
  std::vector<std::string> rows;
  for (const LayerReport& layer : layers) {
    std::string row(LayerName(layer.layer));
    row.resize(10, ' ');
    row += LayerStateName(layer.state);
    row.resize(20, ' ');
    rows.push_back(row + Means(layer));
  }
  return rows;
}

void WriteLayer(json::Writer& writer, const LayerReport& layer) {
  writer.Member("state", LayerStateName(layer.state)).Member("mechanism", layer.mechanism);
  if (!layer.why.empty()) writer.Member("why", layer.why);
}

std::string LayerLetters(const std::vector<LayerReport>& layers) {
  if (layers.empty()) return "";
  std::string letters(sandbox::kLayerCount, '-');
  for (const LayerReport& layer : layers) {
    for (const auto& [state, letter] : kLetters) {
      if (state == layer.state) letters[static_cast<std::size_t>(layer.layer)] = letter;
    }
  }
  return letters;
}

std::vector<std::pair<std::string_view, std::string_view>> LayerStates(std::string_view letters) {
  std::vector<std::pair<std::string_view, std::string_view>> states;
  if (letters.size() != sandbox::kLayerCount) return states;
  for (const sandbox::Layer layer : sandbox::kAllLayers) {
    const char letter = letters[static_cast<std::size_t>(layer)];
    const auto* const known =
        std::find_if(kLetters.begin(), kLetters.end(), [letter](const auto& pair) { return pair.second == letter; });
    states.emplace_back(LayerName(layer), known == kLetters.end() ? "unknown" : LayerStateName(known->first));
  }
  return states;
}

std::string CountsText(const ProofCounts& counts) {
  std::string text = std::to_string(counts.enforced) + "/" + std::to_string(counts.layers);
  if (counts.tried > 0) text += ", probes " + std::to_string(counts.closed) + "/" + std::to_string(counts.tried);
  return text;
}

}  // namespace rune::agent
