#include "agent/run/result_json.h"

#include "agent/cost/price.h"
#include "agent/json/json.h"
#include "agent/policy/remedy_text.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

void WriteUsage(json::Writer& writer, const RunResult& result) {
  const Usage& usage = result.usage;
  writer.Key("usage")
      .BeginObject()
      .Member("input", usage.input)
      .Member("cached", usage.cached)
      .Member("output", usage.output);
  writer.Member("reasoning", usage.reasoning);
  if (result.cost) writer.Key("cost_usd").Double(Usd(*result.cost));
  writer.EndObject();
}

}  // namespace

std::string ResultJson(const RunResult& result) {
  json::Writer writer;
  writer.BeginObject().Member("answer", result.answer);
  if (!result.structured.empty()) writer.Key("structured").Raw(result.structured);
  writer.Member("outcome", InfoOf(result.outcome).name);
  if (!result.detail.empty())
    writer.Member(result.outcome == Outcome::kAnsweredWithDenials ? "detail" : "error", result.detail);
  writer.Member("steps", std::uint64_t{result.steps}).Member("tokens", result.usage.total());
  writer.Key("tools_used").BeginArray();
  for (const ToolRecord& tool : result.tools) writer.String(tool.name);
  writer.EndArray();
  WriteUsage(writer, result);
  writer.Member("model", result.model).Member("provider", result.provider).Member("wall_ms", result.wall_ms);
  writer.Key("sandbox").BeginObject();
  for (const sandbox::LayerReport& layer : result.proof.layers) {
    writer.Key(sandbox::LayerName(layer.layer)).BeginObject().Member("state", sandbox::LayerStateName(layer.state));
    writer.Member("mechanism", layer.mechanism);
    if (!layer.why.empty()) writer.Member("why", layer.why);
    writer.EndObject();
  }
  writer.EndObject();
  if (!result.proof.empty()) {
    writer.Member("confinement", ProofLine(result.proof));
    if (const std::string open = OpenActs(result.proof); !open.empty()) writer.Member("open", open);
  }
  if (!result.egress.empty()) WriteEgress(writer.Key("egress"), result.egress);
  writer.Key("denials").BeginArray();
  for (const Refusal& denial : result.denials) {
    writer.BeginObject()
        .Member("what", DeniedActName(denial.what))
        .Member("target", OneLine(denial.target))
        .Member("message", OneLine(denial.message, 400));
    writer.Member("allow", TomlLine(denial.remedy)).EndObject();
  }
  writer.EndArray().EndObject();
  return Redact(writer.Take());
}

std::string LayersLine(const std::vector<sandbox::LayerReport>& layers) {
  std::string line;
  for (const sandbox::LayerReport& layer : layers) {
    if (!line.empty()) line += "; ";
    line += std::string(LayerName(layer.layer)) + ": ";
    line += layer.state == sandbox::LayerState::kEnforced ? "" : std::string(LayerStateName(layer.state)) + " ";
    line += layer.mechanism;
    if (!layer.why.empty()) line += " (" + layer.why + ")";
  }
  return line.empty() ? "not used" : line;
}

}  // namespace rune::agent
