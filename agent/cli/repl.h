#pragma once
/// The interactive session on a terminal.

#include <string>
#include <vector>

#include "agent/config/config.h"
#include "sandbox/base/event_loop.h"

namespace rune::agent {

struct ReplOptions {
  std::string cwd;
  std::string home;
  std::vector<std::string> images;  ///< Go with the first prompt.
};

/// Runs until /exit or end of file. Returns the exit code.
int RunRepl(EventLoop& loop, const Config& config, const ReplOptions& options);

}  // namespace rune::agent
