#pragma once
/// What a configuration file that came with a working directory may change: it can close, never open. A checkout is
/// somebody else's text, and the key, the money and the files behind the policy are the user's.

#include <optional>
#include <string>
#include <vector>

#include "agent/config/value.h"

namespace rune::agent {

struct Narrowed {
  std::optional<Value> value;        ///< The new value; nullopt: what was there stays.
  bool refused = false;              ///< The whole key was ignored.
  std::vector<std::string> dropped;  ///< Entries of a list that were ignored, or cut down to what is allowed.
};

/// `current` is what holds without the file, `cwd` the directory of the file: absolute.
/// Paths are compared, and kept, with their symbolic links resolved: a link in a checkout leads anywhere.
Narrowed Narrow(const Setting& setting, const Value& current, const Value& proposed, const std::string& cwd);

}  // namespace rune::agent
