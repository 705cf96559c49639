#include "resource/answer.h"

#include <algorithm>

#include "agent/json/schema.h"
#include "agent/record/ref.h"
#include "agent/run/denials.h"
#include "agent/run/layers.h"
#include "agent/run/outcome.h"
#include "resource/config_from_source.h"
#include "resource/say.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

constexpr std::size_t kToolsKept = 32;
constexpr std::size_t kToolSummaryBytes = 120;
constexpr std::size_t kEgressKept = 16;
constexpr std::size_t kEgressNameBytes = 100;
constexpr std::size_t kDenialsKept = 16;
constexpr std::size_t kDenialBytes = 200;

ErrorKind KindOf(agent::Outcome outcome) {
  switch (outcome) {
    case agent::Outcome::kProviderAuth:
    case agent::Outcome::kProviderRate:
    case agent::Outcome::kProviderDown:
    case agent::Outcome::kProviderProtocol:
      return ErrorKind::kUnavailable;
    case agent::Outcome::kCancelled:
      return ErrorKind::kCancelled;
    case agent::Outcome::kRefusedPolicy:
    case agent::Outcome::kAnsweredWithDenials:
      return ErrorKind::kDenied;
    case agent::Outcome::kInternal:
    case agent::Outcome::kSandboxUnavailable:
      return ErrorKind::kSystem;
    case agent::Outcome::kAnswered:
    case agent::Outcome::kBudgetSteps:
    case agent::Outcome::kBudgetTokens:
    case agent::Outcome::kBudgetCost:
    case agent::Outcome::kBudgetTime:
    case agent::Outcome::kSchemaUnsatisfied:
    case agent::Outcome::kStalled:
    case agent::Outcome::kLooped:
    case agent::Outcome::kBadInput:
      return ErrorKind::kInvalidInput;
  }
  return ErrorKind::kSystem;
}

void SayDenials(const agent::RunResult& result) {
  for (const agent::Refusal& denial : result.denials) {
    Say("warning: " + agent::RefusalLines({denial}).front());
    if (!denial.way_out.empty()) Say("  " + denial.way_out);
  }
}

Error DenialError(const agent::RunResult& result) {
  if (result.denials.empty()) return {ErrorKind::kDenied, "answered_with_denials: a tool call was refused"};
  const agent::Refusal& first = result.denials.front();
  std::string message = "answered_with_denials: " + (result.unrecovered.empty() ? first.message : result.unrecovered);
  if (!first.way_out.empty()) message += "; " + first.way_out;
  return {ErrorKind::kDenied, message + "; or set source.on_denial: warn"};
}

agent::CanonicalForm FormOf(const AnswerContext& context) {
  if (!context.shape.schema.empty()) return {agent::CanonicalRule::kJson, context.shape.version_from};
  return {context.canonical ? agent::CanonicalRule::kText : agent::CanonicalRule::kNone, {}};
}

}  // namespace

Result<Answer> AnswerOf(const agent::RunResult& result, const AnswerContext& context) {
  const std::string name(agent::InfoOf(result.outcome).name);
  if (!result.answered()) return Error{KindOf(result.outcome), name + ": " + result.detail};
  const bool denied = result.outcome == agent::Outcome::kAnsweredWithDenials;
  SayDenials(result);
  if (agent::FailsByDenial(context.on_denial, result)) return DenialError(result);

  Answer answer;
  agent::Record& record = answer.record;
  record.form = FormOf(context);
  record.prompt_digest = agent::PromptDigest(context.configured_prompt);
  if (context.keep_prompt) record.prompt = Redact(context.configured_prompt);
  record.answer = Redact(result.answer);
  record.model = OneLine(Redact(result.model), 100);
  record.time = context.now;
  record.input_tokens = result.usage.input;
  record.cached_tokens = result.usage.cached;
  record.output_tokens = result.usage.output;
  record.reasoning_tokens = result.usage.reasoning;
  record.cost = result.cost;
  record.steps = result.steps;
  record.layers = agent::LayerLetters(result.proof.layers);
  record.probes_closed = result.proof.probes.closed();
  record.probes_tried = result.proof.probes.tried();
  for (const agent::EgressLine& line : result.egress) {
    if (record.egress.size() == kEgressKept) break;
    const sandbox::Egress& egress = line.egress;
    record.egress.push_back({OneLine(Redact(egress.target), kEgressNameBytes), egress.port, egress.connections,
                             egress.refused, egress.sent, egress.received});
  }
  for (const agent::ToolRecord& tool : result.tools) {
    if (record.tools.size() == kToolsKept) break;
    record.tools.push_back({OneLine(Redact(tool.summary), kToolSummaryBytes), tool.refused});
  }
  for (const agent::Refusal& denial : result.denials) {
    if (record.denials.size() == kDenialsKept) break;
    record.denials.push_back({std::string(DeniedActName(denial.what)), OneLine(Redact(denial.target), kDenialBytes),
                              OneLine(Redact(denial.message), kDenialBytes), denial.count});
  }
  if (denied) record.outcome = name;
  auto ref = agent::RefOf(record.answer, record.form);
  if (!ref.ok()) return std::move(ref).error().Wrap("the structured answer");
  answer.ref = std::move(*ref);
  return answer;
}

Result<Version> VersionOf(Answer& answer, const Source& source, RecordMode mode) {
  Version version{{kRef, answer.ref}};
  if (mode == RecordMode::kInline) {
    auto text = agent::FitRecord(answer.record, answer.ref, SealSecret(source), source.inline_limit);
    if (text.ok() && text->has_value()) {
      version[kRec] = **text;
    } else {
      Say("warning: the answer does not fit into the version (source.inline_limit: " +
          std::to_string(source.inline_limit) + " bytes); a get will have to ask again");
    }
  }
  if (source.track_reversion) version[kAt] = std::to_string(answer.record.time);
  RUNE_RETURN_IF_ERROR(CheckPrintable(version));
  return version;
}

}  // namespace rune::resource
