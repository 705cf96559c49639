#include "agent/run/proof.h"

#include <algorithm>

namespace rune::agent {

std::string ProofLine(const Proof& proof) {
  const auto enforced = std::count_if(proof.layers.begin(), proof.layers.end(),
                                      [](const auto& layer) { return layer.state == sandbox::LayerState::kEnforced; });
  std::string line = "confinement: " + std::to_string(enforced) + "/" + std::to_string(proof.layers.size());
  if (proof.probes.tried() > 0) {
    line += ", probes " + std::to_string(proof.probes.closed()) + "/" + std::to_string(proof.probes.tried());
  }
  return line;
}

std::string OpenActs(const Proof& proof) {
  std::string acts;
  for (const sandbox::ProbeResult& result : proof.probes.results) {
    if (result.state == sandbox::ProbeState::kOpen) acts += (acts.empty() ? "" : ", ") + result.act;
  }
  return acts;
}

void WriteProof(json::Writer& writer, const Proof& proof) {
  writer.BeginObject().Member("line", ProofLine(proof)).Key("layers").BeginArray();
  for (const sandbox::LayerReport& layer : proof.layers) {
    writer.BeginObject().Member("layer", sandbox::LayerName(layer.layer));
    writer.Member("state", sandbox::LayerStateName(layer.state)).Member("mechanism", layer.mechanism);
    if (!layer.why.empty()) writer.Member("why", layer.why);
    writer.EndObject();
  }
  writer.EndArray().Key("probes").BeginArray();
  for (const sandbox::ProbeResult& result : proof.probes.results) {
    writer.BeginObject().Member("layer", sandbox::LayerName(result.layer)).Member("act", result.act);
    writer.Member("state", sandbox::ProbeStateName(result.state));
    writer.Member("inside", result.inside).Member("outside", result.outside).EndObject();
  }
  writer.EndArray().EndObject();
}

}  // namespace rune::agent
