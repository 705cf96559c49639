#pragma once
/// Commands of the pipeline's author, run confined and in order before the model is asked.

#include <string>

#include "agent/session.h"
#include "resource/ask.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"
#include "sandbox/sandbox.h"

namespace rune::resource {

/// The prompt followed by one labelled block per command that said something. kInvalidInput when a command fails,
/// kCancelled.
Result<std::string> PromptWithOutputs(EventLoop& loop, agent::Session& session, const Question& question);

/// A block for the prompt: "Output of `df -h`:" and the safe, capped text.
std::string LabelledBlock(const std::string& label, std::string_view text);

/// Why a command counts as failed; empty when it does not.
std::string FailureOf(const sandbox::Completed& done);

}  // namespace rune::resource
