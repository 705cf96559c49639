#pragma once
/// Gathers the Config: flags > RUNE_* variables > ./rune.toml, ./.rune/rune.toml > ~/.rune/rune.toml > defaults.
/// A file of the working directory counts fully only when the user trusts the directory; else it can only narrow
/// what the user's own file and the defaults say (narrow.h).

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/config/config.h"
#include "sandbox/base/result.h"

namespace rune::agent {

struct LoadRequest {
  /// Setting::key and text, in the order of the command line. A later one replaces an earlier one; lists grow.
  std::vector<std::pair<std::string, std::string>> flags;
  std::map<std::string, std::string> environment;  ///< An empty variable counts as unset.
  std::string cwd;                                 ///< Absolute.
  std::string home;                                ///< Empty: no user file, no trusted directory.
  std::string config_path;  ///< --config; empty: $RUNE_CONFIG, else ~/.rune/rune.toml. A named file must exist.
  bool attended = false;    ///< A person is at the terminal; decides the policy mode where none is set.
};

struct LoadedConfig {
  Config config;
  std::vector<std::string> notices;  ///< For the user, one line each.
  std::map<std::string, std::string>
      origins;  ///< Setting::key to "flag --model", "RUNE_MODEL", "./rune.toml", ... "default".
};

/// kInvalidInput for an unknown key, a wrong type, a value out of range, a file that everybody may write:
/// "<file>:<line>:<column>: ..." or "<variable or flag>: ...". The API key becomes a secret of the log.
Result<LoadedConfig> LoadConfig(const LoadRequest& request);

}  // namespace rune::agent
