#pragma once
/// The value of a setting between the place where it is written (file, variable, flag, pipeline) and the Config.

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/config/config.h"
#include "sandbox/base/result.h"

namespace rune::agent {

struct Setting;

/// Which of them a setting takes follows from its type: ValueType in settings.h.
using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>, Secret, JsonTable,
                           std::vector<FallbackProvider>>;
/// Settings of one place with their checked values, in the order of the table.
using Values = std::vector<std::pair<const Setting*, Value>>;

/// The T of a value that was checked for its setting; anything else is a bug.
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
/// What a variable or a flag holds: lists are separated by commas, booleans are 1/0, true/false, yes/no, on/off, tables
/// are JSON.
Result<Value> ParseValue(const Setting& setting, std::string_view text);
/// What `config` says; nullopt where "unset" is a value of its own, and it is unset.
std::optional<Value> CurrentValue(const Setting& setting, const Config& config);
/// As a variable would hold it. What may hold a key says no more than that it is there.
std::string TextOf(const Value& value);

}  // namespace rune::agent
