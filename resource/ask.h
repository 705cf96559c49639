#pragma once
/// Asking the agent: the only thing here that costs money.

#include <string>
#include <vector>

#include "agent/run/run.h"
#include "agent/runtime.h"
#include "resource/pre_commands.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"

namespace rune::resource {

struct Question {
  std::string prompt;
  std::vector<agent::Image> images;
  PreCommands pre_commands;  ///< What they print is added to the prompt.
  agent::Config config;
  agent::RuntimeOptions options;
};

class Asker {
 public:
  virtual ~Asker() = default;
  /// An error when the run could not begin or a pre_command failed; else how the run ended.
  virtual Result<agent::RunResult> Ask(const Question& question) = 0;
};

/// Asks for real, with a line of progress per event.
class AgentAsker : public Asker {
 public:
  explicit AgentAsker(EventLoop& loop) : loop_(loop) {}
  Result<agent::RunResult> Ask(const Question& question) override;

 private:
  EventLoop& loop_;
};

}  // namespace rune::resource
