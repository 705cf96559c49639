#pragma once
/// The one notion of narrower: what somebody may change who does not own the configuration. A file that came with a
/// working directory, and the params of a step beside the source of its pipeline, can close and never open: the key,
/// the money and the files behind the policy are another's. What becomes of the rest, a notice or an error, is the
/// caller's.

#include <optional>
#include <string>
#include <vector>

#include "agent/config/settings.h"
#include "agent/config/value.h"

namespace rune::agent {

struct Narrowed {
  std::optional<Value> value;        ///< The new value; nullopt: what was there stays.
  bool refused = false;              ///< The whole proposal was ignored.
  std::vector<std::string> dropped;  ///< Entries of a list that were ignored, or cut down to what is allowed.
};

/// `current` is what holds without the proposal, `cwd` (absolute) what relative paths are relative to.
/// Paths are compared, and kept, with their symbolic links resolved: a link in a checkout leads anywhere.
Narrowed Narrow(const Setting& setting, const Value& current, const Value& proposed, const std::string& cwd);

/// What a proposal is weighed against: what `config` says, or where it leaves the policy mode open, `mode`, which the
/// run will take. Where nothing is set, a value that no proposal equals.
Value InForce(const Setting& setting, const Config& config, PolicyMode mode);

}  // namespace rune::agent
