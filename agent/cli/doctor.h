#pragma once
/// `rune doctor`: proves on this machine what the sandbox holds under the configured policy.

#include <string>

#include "agent/config/config.h"
#include "sandbox/base/event_loop.h"

namespace rune::agent {

struct DoctorOptions {
  std::string cwd;
  std::string home;
};

/// Prints layers and probes, as a table or (Config::json_output) as JSON. Returns the exit code: 0, or that of
/// sandbox_unavailable when a required layer is not enforced or an act was possible that an enforced layer forbids.
int RunDoctor(EventLoop& loop, const Config& config, const DoctorOptions& options);

}  // namespace rune::agent
