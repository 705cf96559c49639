#pragma once
/// Pipe mode: one prompt, one answer on standard output, one exit code.

#include <optional>
#include <string>

#include "agent/config/config.h"
#include "agent/run/run.h"
#include "agent/vision/image_loader.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"

namespace rune::agent {

struct OneShotOptions {
  std::optional<std::string> prompt;  ///< -p; standard input is its context then.
  std::vector<std::string> images;    ///< --image, in order.
  std::string schema_file;
  std::string cwd;
  std::string home;
};

/// Runs and prints. Returns the exit code.
int RunOneShot(EventLoop& loop, const Config& config, const OneShotOptions& options);

/// Prints `result` the way `config` asks for: the answer, or one JSON object. Returns the exit code.
int PrintResult(const Config& config, const RunResult& result);
/// A result for a run that could not start.
RunResult FailedResult(Outcome outcome, const Error& error);
Outcome OutcomeOf(const Error& error);

/// What is asked, and whose words they are.
struct GatheredPrompt {
  std::string context;  ///< Goes before the text; names no pictures. Empty: none.
  std::string text;
  Author author = Author::kUser;  ///< Of `text`.
};
/// The prompt from -p and standard input. Never waits for an open pipe beside -p that says nothing.
Result<GatheredPrompt> GatherPrompt(EventLoop& loop, const std::optional<std::string>& prompt);

}  // namespace rune::agent
