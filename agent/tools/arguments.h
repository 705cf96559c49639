#pragma once
/// One table per tool gives both its JSON Schema and the check of what a model sends, so that they cannot differ.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/json/json.h"
#include "agent/tools/tool.h"

namespace rune::agent {

struct Parameter {
  enum class Type : std::uint8_t { kName, kText, kInteger };  ///< kName: text without NUL that is not empty.
  enum class Need : std::uint8_t { kRequired, kOptional };
  std::string_view name;
  Type type = Type::kName;
  Need need = Need::kRequired;
  std::string_view description;  ///< Empty when the name says it.
};

/// Canonical JSON (RFC 8785) of the parameters' schema. `parameters` sorted by name.
std::string SchemaOf(std::span<const Parameter> parameters);

/// What is wrong with `args`, in words that let a model correct itself. A null for an optional parameter is a missing
/// one.
std::optional<BadArguments> CheckArguments(const json::View& args, std::span<const Parameter> parameters);

/// After the check: the value, or `fallback` when it is missing.
std::string TextArgument(const json::View& args, std::string_view name, std::string_view fallback = "");
std::int64_t IntegerArgument(const json::View& args, std::string_view name, std::int64_t fallback);

}  // namespace rune::agent
