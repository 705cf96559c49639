#pragma once
/// The command line of `rune`.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/base/result.h"

namespace rune::agent {

struct CliOptions {
  enum class Action : std::uint8_t { kRun, kInit, kTrust, kDoctor, kModels, kWhy, kHelp, kVersion };
  Action action = Action::kRun;
  std::string text;                                           ///< What --help or --version prints.
  std::vector<std::pair<std::string, std::string>> settings;  ///< Configuration keys set by flags, in order.
  std::optional<std::string> prompt;
  std::vector<std::string> images;  ///< Files, URLs, data: URIs.
  std::string config_file;
  std::string schema_file;
  std::string subject;  ///< Of `rune why`.
};

/// kInvalidInput on an unknown flag or a bad value.
Result<CliOptions> ParseCli(int argc, char** argv);
/// True when the caller wants JSON, also when the rest of the command line cannot be parsed.
bool WantsJson(int argc, char** argv);

}  // namespace rune::agent
