#pragma once
/// One rune.toml, read and checked but not yet weighed against the others.

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/config/toml.h"
#include "sandbox/base/result.h"

namespace rune::agent {

struct ConfigFile {
  std::string name;  ///< As shown to the user: "./rune.toml".
  struct stat status{};
  std::vector<TomlEntry> entries;
};

/// Nullopt when there is no such file. kInvalidInput for what is not TOML, not a plain file or above 1 MiB.
Result<std::optional<ConfigFile>> ReadConfigFile(const std::string& path, std::string name);

}  // namespace rune::agent
