#include "agent/run/result_json.h"

#include "agent/cost/price.h"
#include "agent/run/layers.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::agent {

void WriteUsage(json::Writer& writer, const Usage& usage, const std::optional<std::uint64_t>& cost) {
  writer.BeginObject().Member("input", usage.input).Member("cached", usage.cached).Member("output", usage.output);
  writer.Member("reasoning", usage.reasoning);
  if (cost) writer.Key("cost_usd").Double(Usd(*cost));
  writer.EndObject();
}

void WriteDenials(json::Writer& writer, const std::vector<Refusal>& denials) {
  writer.BeginArray();
  for (const Refusal& denial : denials) {
    writer.BeginObject()
        .Member("what", DeniedActName(denial.what))
        .Member("target", OneLine(denial.target))
        .Member("message", OneLine(denial.message, 400));
    writer.Member("count", std::uint64_t{denial.count});
    writer.Member("allow", denial.line).Member("way_out", OneLine(denial.way_out, 1000)).EndObject();
  }
  writer.EndArray();
}

std::string ResultJson(const RunResult& result) {
  json::Writer writer;
  writer.BeginObject().Member("answer", result.answer);
  if (!result.structured.empty()) writer.Key("structured").Raw(result.structured);
  writer.Member("outcome", InfoOf(result.outcome).name);
  if (!result.detail.empty())
    writer.Member(result.outcome == Outcome::kAnsweredWithDenials ? "detail" : "error", result.detail);
  if (!result.unrecovered.empty()) writer.Member("unrecovered", result.unrecovered);
  writer.Member("steps", std::uint64_t{result.steps}).Member("tokens", result.usage.total());
  writer.Key("tools_used").BeginArray();
  for (const ToolRecord& tool : result.tools) writer.String(tool.name);
  writer.EndArray();
  WriteUsage(writer.Key("usage"), result.usage, result.cost);
  writer.Member("model", result.model).Member("provider", result.provider).Member("wall_ms", result.wall_ms);
  writer.Key("sandbox").BeginObject();
  for (const sandbox::LayerReport& layer : result.proof.layers) {
    WriteLayer(writer.Key(sandbox::LayerName(layer.layer)).BeginObject(), layer);
    writer.EndObject();
  }
  writer.EndObject();
  if (!result.proof.empty()) {
    writer.Member("confinement", ProofLine(result.proof));
    if (const std::string open = OpenActs(result.proof); !open.empty()) writer.Member("open", open);
  }
  if (!result.egress.empty()) WriteEgress(writer.Key("egress"), result.egress);
  WriteDenials(writer.Key("denials"), result.denials);
  writer.EndObject();
  return Redact(writer.Take());
}

}  // namespace rune::agent
