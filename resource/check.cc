#include "resource/check.h"

#include "agent/record/ref.h"
#include "resource/answer.h"
#include "resource/config_from_source.h"
#include "resource/say.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

/// A version of ours with everything that this configuration puts into one, as far as can be told without an answer.
bool LooksWhole(const Version& version, const Source& source) {
  if (!agent::IsRef(ValueOf(version, kRef)) || !CheckPrintable(version).ok()) return false;
  if (source.record == RecordMode::kInline && !version.contains(kRec)) return false;
  return !source.track_reversion || version.contains(kAt);
}

std::vector<Version> Unchanged(const Request& request) {
  if (!LooksWhole(request.version, request.source)) return {};
  return {request.version};
}

/// When the given version was made; 0 when it does not say.
std::int64_t TimeOf(const Version& version, const Source& source) {
  const auto record = agent::DecodeRecord(ValueOf(version, kRec), ValueOf(version, kRef), SealSecret(source));
  if (record.ok() && record->has_value()) return (*record)->time;
  return ParseInt(ValueOf(version, kAt)).value_or(0);
}

bool IsFresh(const Request& request, std::int64_t now) {
  const std::int64_t interval = request.source.min_interval.count();
  if (interval == 0) return false;
  const std::int64_t time = TimeOf(request.version, request.source);
  return time != 0 && time <= now && now - time < interval;
}

/// The version for a pin that names only the ref of this very answer. It must come out the same at every check, or each
/// check of a pinned resource would make a version, so it says nothing of time and cost.
Result<Version> VersionForPin(const Answer& answer, const Source& source) {
  Answer bare;
  bare.ref = answer.ref;
  bare.record.form = answer.record.form;
  bare.record.answer = answer.record.answer;
  bare.record.prompt_digest = answer.record.prompt_digest;
  if (auto canonical = agent::Canonicalize(bare.record.answer, {bare.record.form.rule, {}}); canonical.ok()) {
    bare.record.answer = std::move(*canonical);
  }
  RUNE_ASSIGN_OR_RETURN(Version version, VersionOf(bare, source, source.record));
  version.erase(kAt);
  return version;
}

Result<std::vector<Version>> Compare(Answer answer, const Request& request) {
  const Version& given = request.version;
  RUNE_ASSIGN_OR_RETURN(const Version fresh, VersionOf(answer, request.source, request.source.record));
  const bool whole = HasAllKeysOf(given, fresh) && CheckPrintable(given).ok();
  if (ValueOf(given, kRef) == answer.ref) {
    Say("unchanged: " + answer.ref);
    if (whole) return std::vector<Version>{given};
    RUNE_ASSIGN_OR_RETURN(const Version pinned, VersionForPin(answer, request.source));
    return std::vector<Version>{pinned};
  }
  Say("new: " + answer.ref);
  if (whole && agent::IsRef(ValueOf(given, kRef))) return std::vector<Version>{given, fresh};
  return std::vector<Version>{fresh};
}

}  // namespace

Result<std::vector<Version>> Check(const Request& request, const StepContext& context) {
  const Source& source = request.source;
  if (Trim(source.prompt).empty()) {
    Say("no source.prompt: nothing to check");
    return std::vector<Version>();
  }
  RUNE_ASSIGN_OR_RETURN(const Question question, SourceQuestion(source));
  if (!context.lock()) {
    Say("another check of this source is at work: nothing new");
    return Unchanged(request);
  }
  if (LooksWhole(request.version, source) && IsFresh(request, context.now)) {
    Say("the last answer is younger than source.min_interval: not asking");
    return Unchanged(request);
  }
  const AnswerContext answer_context{.shape = source.shape,
                                     .canonical = source.canonical,
                                     .on_denial = source.config.on_denial,
                                     .configured_prompt = source.prompt,
                                     .now = context.now};
  RUNE_ASSIGN_OR_RETURN(const agent::RunResult result, context.asker.Ask(question));
  auto answer = AnswerOf(result, answer_context);
  if (!answer.ok()) {
    const bool keep = answer.error().kind == ErrorKind::kUnavailable &&
                      source.on_provider_error == OnProviderError::kKeep && !request.version.empty();
    if (!keep) return std::move(answer).error();
    Say("warning: " + answer.error().message + "; keeping the last version (source.on_provider_error: keep)");
    return Unchanged(request);
  }
  return Compare(std::move(*answer), request);
}

}  // namespace rune::resource
