#include "agent/cli/doctor.h"

#include <unistd.h>

#include "agent/policy/policy.h"
#include "agent/run/layers.h"
#include "agent/run/outcome.h"
#include "agent/run/prover.h"
#include "agent/runtime.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"

namespace rune::agent {
namespace {

std::string Padded(std::string_view text, std::size_t width) {
  std::string out(text);
  out.append(out.size() < width ? width - out.size() : 1, ' ');
  return out;
}

std::string Table(const Proof& proof) {
  std::string out = "layer     state     mechanism\n";
  for (const std::string& row : LayerRows(proof.layers)) out += row + "\n";
  out += "\n" + Padded("probe", 56) + Padded("result", 20) + Padded("inside", 17) + "outside\n";
  for (const sandbox::ProbeResult& result : proof.probes.results) {
    out += Padded(std::string(sandbox::LayerName(result.layer)) + ": " + result.act, 56) +
           Padded(sandbox::ProbeStateName(result.state), 20) + Padded(result.inside, 17) + result.outside + "\n";
  }
  const std::uint64_t tenths = proof.probes.wall_us / 100;
  return out + "\n" + ProofLine(proof) + " (" + std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) +
         " ms)\n";
}

Result<Proof> Examine(EventLoop& loop, const Config& config, const DoctorOptions& options) {
  RUNE_ASSIGN_OR_RETURN(const auto sandbox, MakeSandbox(loop, config));
  const Places places{.cwd = options.cwd, .home = options.home, .tmp_dir = sandbox->tmp_dir()};
  RUNE_ASSIGN_OR_RETURN(const Policy policy, Policy::Create(config.policy, places, PolicyMode::kAllowlist));
  sandbox::Confinement confinement = policy.ForCommand({}, Approved::kNo);
  // What is missing is the finding, and no reason to stop.
  confinement.enforcement = sandbox::Enforcement::kBestEffort;
  return Prover(loop, *sandbox).Await(confinement);
}

/// Empty when all that was asked for holds.
std::string Finding(const Proof& proof, const PolicyConfig& policy) {
  for (const sandbox::LayerReport& layer : proof.layers) {
    if (sandbox::Requires(policy.enforcement, policy.required_layers, layer) &&
        layer.state != sandbox::LayerState::kEnforced) {
      return "required layer '" + std::string(sandbox::LayerName(layer.layer)) + "' is " +
             std::string(sandbox::LayerStateName(layer.state));
    }
  }
  for (const sandbox::LayerReport& layer : proof.layers) {
    const std::string open = OpenActOf(proof, layer.layer);
    if (layer.state == sandbox::LayerState::kEnforced && !open.empty()) {
      return "layer '" + std::string(sandbox::LayerName(layer.layer)) + "' is said to be enforced, but a command can " +
             open;
    }
  }
  return "";
}

}  // namespace

int RunDoctor(EventLoop& loop, const Config& config, const DoctorOptions& options) {
  const int unavailable = InfoOf(Outcome::kSandboxUnavailable).exit_code;
  const auto proof = Examine(loop, config, options);
  if (!proof.ok()) {
    Log(LogLevel::kError, "rune doctor: " + proof.error().message);
    return unavailable;
  }
  std::string text = Table(*proof);
  if (config.json_output) {
    json::Writer writer;
    WriteProof(writer, *proof);
    text = writer.Take() + "\n";
  }
  if (!WriteAll(STDOUT_FILENO, text).ok()) return 1;
  const std::string finding = Finding(*proof, config.policy);
  if (finding.empty()) return 0;
  Log(LogLevel::kError, "rune doctor: " + finding);
  return unavailable;
}

}  // namespace rune::agent
