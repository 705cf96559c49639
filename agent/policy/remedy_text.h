#pragma once
/// What would allow a refused act, as a person writes it: what to add to which key, and where that key stands. Pure.

#include <string>
#include <string_view>

#include "agent/config/config.h"
#include "sandbox/denial.h"

namespace rune::agent {

/// The key of [policy] that holds such grants: "allowed_commands". Empty: none does.
std::string_view PolicyKey(sandbox::Grant grant);

struct RemedyText {
  /// `add "rm" to allowed_commands in [policy] (~/.rune/rune.toml:7)`: what to do, everywhere it has to be done.
  std::string text;
  /// `allowed_commands = ["ls", "rm"]`: the key of [policy] with it, and with what it has (TOML 1.0).
  std::string line;
};

/// Of a policy from files and variables, or from the YAML of a pipeline, as its origins say. Both empty: nothing would
/// allow it, or an entry is not a text that can be shown as it is.
RemedyText TextOf(const sandbox::Remedy& remedy, const PolicyConfig& policy);

/// Where a key of [policy] stands, or belongs: "max_pids in [policy] (~/.rune/rune.toml:4)", "source.policy.max_pids".
std::string PlaceOf(std::string_view key, const PolicyConfig& policy);

}  // namespace rune::agent
