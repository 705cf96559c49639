#pragma once
/// What stands between a tool call and this machine, and the proof that it does: for people, results and records.

#include <string>
#include <vector>

#include "agent/json/json.h"
#include "sandbox/confinement.h"
#include "sandbox/probe.h"

namespace rune::agent {

struct Proof {
  std::vector<sandbox::LayerReport> layers;
  sandbox::ProbeReport probes;

  bool empty() const { return layers.empty(); }
};

/// "confinement: 5/5, probes 27/27": layers enforced of all, acts refused of those tried.
std::string ProofLine(const Proof& proof);
/// The same, and what is not in force, if anything is not: one line for a log. Details are for tables and records.
std::string SandboxLine(const Proof& proof);
/// The acts that were not refused, one safe line; empty when all were.
std::string OpenActs(const Proof& proof);
/// The first act that `layer` should have refused and did not; empty: there is none.
std::string OpenActOf(const Proof& proof, sandbox::Layer layer);
/// An object: `line`, `layers`, `probes`.
void WriteProof(json::Writer& writer, const Proof& proof);

}  // namespace rune::agent
