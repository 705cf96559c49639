#pragma once
/// Commands of the pipeline's author, run confined and in order before the model is asked.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "agent/runtime.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"

namespace rune::resource {

struct PreCommands {
  std::vector<std::string> lines;
  std::string key;  ///< "source.pre_commands": where they were written, for messages.
};

/// `prompt` followed by one labelled block per command that said something. `wall`: of each. kInvalidInput when a
/// command fails, kCancelled.
Result<std::string> PromptWithOutputs(EventLoop& loop, agent::Runtime& runtime, const std::string& prompt,
                                      const PreCommands& commands, std::chrono::milliseconds wall);

/// A block for the prompt: "Output of `df -h`:" and the safe, capped text.
std::string LabelledBlock(const std::string& label, std::string_view text);

}  // namespace rune::resource
