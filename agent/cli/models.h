#pragma once
/// `rune models`: what the configured endpoint offers.

#include "agent/config/config.h"
#include "sandbox/base/event_loop.h"

namespace rune::agent {

/// A table, or one JSON object with config.json_output. Returns the exit code.
int RunModels(EventLoop& loop, const Config& config);

}  // namespace rune::agent
