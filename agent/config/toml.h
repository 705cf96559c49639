#pragma once
/// TOML 1.0 text as a flat list of keys and values. The only door to toml++.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/value.h"
#include "sandbox/base/result.h"

namespace rune::agent {

struct TomlEntry {
  std::string key;  ///< "policy.mode"
  std::optional<Value>
      value;          ///< Nullopt for what no setting can be: a date, a list that is not one of strings, a table.
  std::string type;   ///< "table", "string", ...
  std::string json;   ///< Of a table, or of a list of tables.
  std::string place;  ///< "<file>:<line>:<column>"
};

/// In the order of the text. Tables are entries of their own, before their members.
/// kInvalidInput "<file>:<line>:<column>: <what>".
Result<std::vector<TomlEntry>> ParseToml(std::string_view text, const std::string& file);

}  // namespace rune::agent
