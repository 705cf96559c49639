#include "agent/run/proof.h"

#include <algorithm>

#include "agent/run/layers.h"

namespace rune::agent {

std::string ProofLine(const Proof& proof) {
  const auto enforced = std::count_if(proof.layers.begin(), proof.layers.end(),
                                      [](const auto& layer) { return layer.state == sandbox::LayerState::kEnforced; });
  return "confinement: " + CountsText({.enforced = static_cast<std::size_t>(enforced),
                                       .layers = proof.layers.size(),
                                       .closed = proof.probes.closed(),
                                       .tried = proof.probes.tried()});
}

std::string SandboxLine(const Proof& proof) {
  std::vector<sandbox::LayerReport> lacking;
  for (const sandbox::LayerReport& layer : proof.layers) {
    if (layer.state != sandbox::LayerState::kEnforced) lacking.push_back(layer);
  }
  const std::string open = OpenActs(proof);
  return ProofLine(proof) + (lacking.empty() ? "" : "; " + LayersLine(lacking)) +
         (open.empty() ? "" : "; open: " + open);
}

std::string OpenActs(const Proof& proof) {
  std::string acts;
  for (const sandbox::ProbeResult& result : proof.probes.results) {
    if (result.state == sandbox::ProbeState::kOpen) acts += (acts.empty() ? "" : ", ") + result.act;
  }
  return acts;
}

std::string OpenActOf(const Proof& proof, sandbox::Layer layer) {
  for (const sandbox::ProbeResult& result : proof.probes.results) {
    if (result.layer == layer && result.state == sandbox::ProbeState::kOpen) return result.act;
  }
  return "";
}

void WriteProof(json::Writer& writer, const Proof& proof) {
  writer.BeginObject().Member("line", ProofLine(proof)).Key("layers").BeginArray();
  for (const sandbox::LayerReport& layer : proof.layers) {
    writer.BeginObject().Member("layer", sandbox::LayerName(layer.layer));
    WriteLayer(writer, layer);
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
