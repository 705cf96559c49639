#pragma once
/// `rune init`: asks for provider, key and model and writes ~/.rune/rune.toml.

#include <string>

#include "sandbox/base/event_loop.h"

namespace rune::agent {

/// Never overwrites without asking; end of input cancels. Returns the exit code.
int RunInit(EventLoop& loop, const std::string& home);

}  // namespace rune::agent
