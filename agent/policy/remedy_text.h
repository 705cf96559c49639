#pragma once
/// What would allow a refused act, as a person writes it: one line for the place where the policy stands. Pure.

#include <string>
#include <string_view>

#include "sandbox/denial.h"

namespace rune::agent {

/// The key of [policy] that holds such grants: "allowed_commands". Empty: none does.
std::string_view PolicyKey(sandbox::Grant grant);

/// `allowed_commands = ["rm"]`: of the [policy] table of a configuration file (TOML 1.0). Empty: nothing would allow
/// it, or an entry is not a text that can be shown as it is.
std::string TomlLine(const sandbox::Remedy& remedy);
/// `allowed_commands: ["rm"]`: of a mapping in YAML (1.1 and 1.2 read it alike). Empty as above.
std::string YamlLine(const sandbox::Remedy& remedy);

}  // namespace rune::agent
