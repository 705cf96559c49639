#pragma once
/// The value of a setting between its source (file, variable, flag, JSON) and the Config.

#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/keys.h"
#include "sandbox/base/result.h"

namespace rune::agent {

using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;
using Values = std::map<std::string_view, Value>;  ///< By Setting::key.

/// The T of a value that CheckValue() passed; anything else is a bug.
template <typename T>
const T& Held(const Value& value) {
  const T* held = std::get_if<T>(&value);
  if (held == nullptr) std::abort();
  return *held;
}
template <typename T>
T& Held(Value& value) {
  T* held = std::get_if<T>(&value);
  if (held == nullptr) std::abort();
  return *held;
}

/// "an integer from 1 to 20": what a setting takes.
std::string ExpectedText(const Setting& setting);
/// Checks type, range and choice. kInvalidInput "expected an integer from 1 to 20, found 0"; the caller adds the place.
Result<Value> CheckValue(const Setting& setting, Value value);
/// What a variable or a flag holds: lists are separated by commas, booleans are 1/0, true/false, yes/no, on/off.
Result<Value> ParseValue(const Setting& setting, std::string_view text);
/// The default; nullopt where "unset" is a value of its own.
std::optional<Value> DefaultValue(const Setting& setting);

/// Writes a checked value into its place.
void Assign(const Setting& setting, const Value& value, Config& config);

}  // namespace rune::agent
