#include "agent/cli/doctor.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include "agent/policy/policy.h"
#include "agent/process.h"
#include "agent/run/outcome.h"
#include "agent/run/proof.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"
#include "sandbox/sandbox.h"

namespace rune::agent {
namespace {

std::string Padded(std::string_view text, std::size_t width) {
  std::string out(text);
  out.append(out.size() < width ? width - out.size() : 1, ' ');
  return out;
}

std::string Table(const Proof& proof) {
  std::string out = "layer     state     mechanism\n";
  for (const sandbox::LayerReport& layer : proof.layers) {
    out += Padded(sandbox::LayerName(layer.layer), 10) + Padded(sandbox::LayerStateName(layer.state), 10) +
           layer.mechanism;
    if (!layer.why.empty()) out += (layer.mechanism.empty() ? "" : "; ") + layer.why;
    out += "\n";
  }
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
  sandbox::SandboxOptions box;
  box.helper = HelperPath();
  box.limits = {config.policy.max_memory_mb << 20, config.policy.max_pids};
  RUNE_ASSIGN_OR_RETURN(const auto sandbox, sandbox::Sandbox::Create(loop, box));
  const Places places{.cwd = options.cwd, .home = options.home, .tmp_dir = sandbox->tmp_dir()};
  RUNE_ASSIGN_OR_RETURN(const Policy policy, Policy::Create(config.policy, places, PolicyMode::kAllowlist));
  sandbox::Confinement confinement = policy.ForCommand({}, Approved::kNo);
  // What is missing is the finding, and no reason to stop.
  confinement.enforcement = sandbox::Enforcement::kBestEffort;
  Proof proof;
  RUNE_ASSIGN_OR_RETURN(proof.layers, sandbox->Layers(confinement));
  std::optional<Result<sandbox::ProbeReport>> probes;
  RUNE_RETURN_IF_ERROR(
      sandbox->Probe(confinement, [&](Result<sandbox::ProbeReport> done) { probes = std::move(done); }));
  loop.RunUntil([&] { return probes.has_value(); }, Clock::now() + kProbePatience);
  if (!probes) return Error{ErrorKind::kUnavailable, "the probes did not end"};
  if (!probes->ok()) return probes->error();
  proof.probes = **probes;
  return proof;
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
  for (const sandbox::ProbeResult& result : proof.probes.results) {
    const auto layer = std::find_if(proof.layers.begin(), proof.layers.end(),
                                    [&](const auto& report) { return report.layer == result.layer; });
    if (result.state == sandbox::ProbeState::kOpen && layer != proof.layers.end() &&
        layer->state == sandbox::LayerState::kEnforced) {
      return "layer '" + std::string(sandbox::LayerName(result.layer)) +
             "' is said to be enforced, but a command can " + result.act;
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
