#pragma once
/// From the end of a run to an answer with an identity: what fails the step, what is recorded, which version it is.

#include <cstdint>
#include <optional>
#include <string>

#include "agent/record/canonical.h"
#include "agent/record/record.h"
#include "agent/run/run.h"
#include "resource/request/request.h"
#include "resource/request/version.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// An answer and its ref. The record's answer is redacted, and the ref is that of the redacted text.
struct Answer {
  agent::Record record;
  std::string ref;
};

struct AnswerContext {
  AnswerShape shape;
  bool canonical = true;
  agent::OnDenial on_denial = agent::OnDenial::kUnrecovered;
  std::string configured_prompt;  ///< What the digest is of.
  bool keep_prompt = false;       ///< The get that follows cannot know the prompt (put).
  std::int64_t now = 0;           ///< UTC seconds.
};

/// kUnavailable: the provider failed. kCancelled. kInvalidInput, kDenied: everything else that is no answer. A run with
/// refused tool calls is an answer as far as on_denial lets it be; otherwise the error says what would allow them.
Result<Answer> AnswerOf(const agent::RunResult& result, const AnswerContext& context);

/// The version of an answer: its ref, the record when there is room for it (said on standard error when not), the time
/// under track_reversion. `answer.record` is changed to what the version keeps.
Result<Version> VersionOf(Answer& answer, const Source& source, RecordMode mode);

}  // namespace rune::resource
