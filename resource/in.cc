#include "resource/in.h"

#include "agent/record/ref.h"
#include "resource/answer.h"
#include "resource/config_from_source.h"
#include "resource/say.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

constexpr int kAttempts = 3;  // of on_mismatch: retry

/// A get without an answer: an empty payload, and why.
StepResult Stub(const Request& request, const std::string& status) {
  StepResult result;
  result.version = request.version;
  if (result.version.empty()) result.version[kRef] = "latest";
  result.metadata = {{"status", status}};
  result.artifacts = {{"payload.json", "{}"}};
  return result;
}

/// The prompt that the record was made for, when it is known here.
std::optional<std::string> PromptOf(const agent::Record& record, const Source& source) {
  if (record.prompt) return record.prompt;
  if (record.prompt_digest == agent::PromptDigest(source.prompt)) return Redact(source.prompt);
  return std::nullopt;
}

Result<StepResult> Deliver(const agent::Record& record, const Provenance& provenance, const Request& request) {
  StepResult result;
  result.version = request.version;
  if (result.version.empty()) result.version[kRef] = provenance.actual_ref;
  result.metadata = MetadataOf(record, provenance);
  RUNE_ASSIGN_OR_RETURN(result.artifacts, ArtifactsOf(record, provenance, PromptOf(record, request.source)));
  return result;
}

Result<Answer> AskOnce(const Source& source, const StepContext& context) {
  RUNE_ASSIGN_OR_RETURN(const Question question, SourceQuestion(source));
  RUNE_ASSIGN_OR_RETURN(const agent::RunResult result, context.asker.Ask(question));
  return AnswerOf(result, {.shape = source.shape,
                           .canonical = source.canonical,
                           .on_denial = source.config.on_denial,
                           .configured_prompt = source.prompt,
                           .now = context.now});
}

Error NoAnswerOfPut() {
  return Error::Invalid(
      "this version was made by a put and carries no record of its answer, and source.prompt is another question; use "
      "`no_get: true` on the put, or `get_params: {skip: true}`, or let the put record its answer");
}

/// Without a record: ask the source's prompt again and compare.
Result<StepResult> AskAgain(const Request& request, const StepContext& context) {
  const std::string requested(ValueOf(request.version, kRef));
  const OnMismatch mode = request.params.strict ? OnMismatch::kFail : request.source.on_mismatch;
  const int attempts = mode == OnMismatch::kRetry ? kAttempts : 1;
  Provenance provenance;
  Answer answer;
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    Say("this version carries no record: asking the model again (" + std::to_string(attempt) + " of " +
        std::to_string(attempts) + ")");
    RUNE_ASSIGN_OR_RETURN(answer, AskOnce(request.source, context));
    provenance = {requested.empty() ? answer.ref : requested, answer.ref, requested == answer.ref, false};
    if (provenance.verified || requested.empty()) break;
  }
  if (!provenance.verified && !requested.empty()) {
    const std::string difference = "the model was asked again and gave another answer (" + answer.ref + ") than " +
                                   OneLine(requested, 80) + " stands for";
    if (mode != OnMismatch::kWarn)
      return Error::Invalid(difference + "; source.on_mismatch or params.strict forbids it");
    Say("warning: " + difference + "; payload.json says verified: false");
  }
  return Deliver(answer.record, provenance, request);
}

}  // namespace

Result<StepResult> In(const Request& request, const StepContext& context) {
  if (request.params.skip) return Stub(request, "skipped");
  const Version& version = request.version;
  if (version.contains(kRec)) {
    const std::string ref(ValueOf(version, kRef));
    auto record = agent::DecodeRecord(ValueOf(version, kRec), ref, SealSecret(request.source));
    if (record.ok() && record->has_value()) return Deliver(**record, {ref, ref, true, true}, request);
    if (record.ok()) {
      Say("warning: version.rec was written by a later release and cannot be read here");
    } else if (record.error().kind == ErrorKind::kDenied) {
      Say("warning: version.rec: " + record.error().message + " (source.record_key, or source.api_key)");
    } else {
      return std::move(record).error().Wrap("version.rec");
    }
  }
  if (ValueOf(version, kVia) == kViaPut) return NoAnswerOfPut();
  if (Trim(request.source.prompt).empty()) {
    Say("no source.prompt: nothing to get");
    return Stub(request, "no prompt configured");
  }
  return AskAgain(request, context);
}

}  // namespace rune::resource
