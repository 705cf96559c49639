#include "resource/metadata.h"

#include <algorithm>

#include "agent/cost/price.h"
#include "agent/json/schema.h"
#include "agent/run/layers.h"
#include "sandbox/base/text.h"
#include "sandbox/base/utc_time.h"

namespace rune::resource {
namespace {

constexpr std::size_t kValueBytes = 1024;
constexpr std::size_t kShortRef = 20;

/// "enforced: limits, network; missing: landlock"
std::string SandboxLine(const agent::Record& record) {
  const auto layers = agent::LayerStates(record.layers);
  std::string line;
  for (const std::string_view state : {"enforced", "degraded", "missing", "off"}) {
    std::string names;
    for (const auto& [layer, layer_state] : layers) {
      if (layer_state == state) names += (names.empty() ? "" : ", ") + std::string(layer);
    }
    if (!names.empty()) line += (line.empty() ? "" : "; ") + std::string(state) + ": " + names;
  }
  return line.empty() ? "no tool ran" : line;
}

/// "3: BLOCKED by policy: ...; refused: ..."
std::string DenialsLine(const agent::Record& record) {
  std::string line = std::to_string(record.denials.size()) + ": ";
  for (const agent::RecordedDenial& denial : record.denials) {
    line += (&denial == record.denials.data() ? "" : "; ") + denial.message;
  }
  return OneLine(line, kValueBytes);
}

void AddScalars(const agent::Record& record, Metadata& metadata) {
  const auto document = json::ParseAnswer(record.answer);
  if (!document.ok() || document->root().type() != json::Type::kObject) return;
  const Metadata ours = metadata;
  for (const std::string& key : document->root().keys()) {
    const json::View value = document->root()[key];
    if (value.type() == json::Type::kArray || value.type() == json::Type::kObject) continue;
    const std::string name = OneLine(key, 60);
    const bool taken = std::any_of(ours.begin(), ours.end(), [&name](const auto& pair) { return pair.first == name; });
    if (!taken) {
      metadata.emplace_back(name, OneLine(value.string() ? *value.string() : value.Dump(), kValueBytes));
    }
  }
}

}  // namespace

std::string ConfinementLine(const agent::Record& record) {
  const auto enforced = std::count(record.layers.begin(), record.layers.end(), 'e');
  return agent::CountsText({.enforced = static_cast<std::size_t>(enforced),
                            .layers = record.layers.size(),
                            .closed = record.probes_closed,
                            .tried = record.probes_tried});
}

Metadata MetadataOf(const agent::Record& record, const Provenance& provenance) {
  const auto word = [](bool value) { return std::string(value ? "true" : "false"); };
  Metadata metadata;
  metadata.emplace_back("ref", provenance.actual_ref.substr(0, kShortRef));
  metadata.emplace_back("response_length", std::to_string(record.answer.size()));
  metadata.emplace_back("model", record.model);
  metadata.emplace_back("tokens", std::to_string(record.input_tokens + record.output_tokens));
  metadata.emplace_back("steps", std::to_string(record.steps));
  if (record.cost) metadata.emplace_back("cost", agent::UsdText(*record.cost));
  metadata.emplace_back("sandbox", SandboxLine(record));
  if (record.probes_tried > 0) metadata.emplace_back("confinement", ConfinementLine(record));
  metadata.emplace_back("verified", word(provenance.verified));
  metadata.emplace_back("replayed", word(provenance.replayed));
  if (record.time != 0) metadata.emplace_back("answered_at", FormatUtc(record.time));
  metadata.emplace_back("outcome", record.outcome.empty() ? "answered" : record.outcome);
  if (!record.denials.empty()) metadata.emplace_back("denials", DenialsLine(record));
  metadata.emplace_back("answer", OneLine(record.answer, kValueBytes));
  if (record.form.rule == agent::CanonicalRule::kJson) AddScalars(record, metadata);
  return metadata;
}

void WriteMetadata(json::Writer& writer, const Metadata& metadata) {
  writer.BeginArray();
  for (const auto& [name, value] : metadata) {
    writer.BeginObject().Member("name", name).Member("value", value).EndObject();
  }
  writer.EndArray();
}

}  // namespace rune::resource
