#pragma once
/// The flags of `rune-sandbox` used by hand.

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"
#include "sandbox/command.h"

namespace rune::sandbox {

struct CommandLine {
  Command command;  ///< `cwd` empty: the private directory.
  Confinement confinement;
  RunLimits limits;
  std::string proxy;                 ///< SandboxOptions::proxy
  std::string report_path;           ///< Where the JSON report goes; empty: nowhere, "-": standard output.
  std::vector<std::string> notices;  ///< What flags name and is not there, one safe line each.
  bool quiet = false;                ///< Nothing is said but errors.
  bool capture = false;              ///< --max-output was given: pass output through pipes and count it.
  enum class Action : std::uint8_t { kRun, kHelp, kVersion } action = Action::kRun;
};

/// kInvalidInput names the flag and what it takes.
Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);
std::string HelpText();

/// "512M", "2G", "65536" -> bytes.
Result<std::uint64_t> ParseSize(const std::string& text);
/// "30", "1.5", "2m", "500ms" -> milliseconds.
Result<Milliseconds> ParseDuration(const std::string& text);

}  // namespace rune::sandbox
