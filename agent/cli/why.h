#pragma once
/// `rune why`: what the policy would do with a path, a host or a command, and which line of it decides.

#include <string>

#include "agent/config/config.h"

namespace rune::agent {

struct WhyOptions {
  std::string subject;
  std::string cwd;
  std::string home;
};

/// Prints one line for each decision. Returns the exit code: 0 when all of it is allowed, else that of refused_policy.
int RunWhy(const Config& config, const WhyOptions& options);

}  // namespace rune::agent
