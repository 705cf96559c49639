#pragma once
/// The way between a checked value and its member of the Config. A row of the table names the member,
/// `kMember<&Config::budgets, &Budgets::steps>`, and the type of the member says how the value is put there.

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/value.h"

namespace rune::agent {

struct ConfigMember {
  void (*put)(Config& config, const Value& value);    ///< `value` is one that the row's type allows.
  std::optional<Value> (*get)(const Config& config);  ///< Nullopt: unset.
};

/// What a Value can hold itself.
template <typename T>
concept Plain = std::same_as<T, bool> || std::same_as<T, double> || std::same_as<T, std::string> ||
                std::same_as<T, std::vector<std::string>> || std::same_as<T, Secret> || std::same_as<T, JsonTable> ||
                std::same_as<T, std::vector<FallbackProvider>>;

template <Plain T>
void PutValue(const Value& value, T& member) {
  member = Held<T>(value);
}
template <std::integral T>
  requires(!std::same_as<T, bool>)
void PutValue(const Value& value, T& member) {
  member = static_cast<T>(Held<std::int64_t>(value));
}
inline void PutValue(const Value& value, std::chrono::seconds& member) {
  member = std::chrono::seconds(Held<std::int64_t>(value));
}
/// From seconds with a fraction.
inline void PutValue(const Value& value, std::chrono::milliseconds& member) {
  member = std::chrono::milliseconds(static_cast<std::int64_t>(Held<double>(value) * 1000 + 0.5));
}
inline void PutValue(const Value& value, OnDenial& member) { member = ParseOnDenial(Held<std::string>(value)).value(); }
inline void PutValue(const Value& value, PolicyMode& member) {
  member = ParsePolicyMode(Held<std::string>(value)).value();
}
template <typename T>
void PutValue(const Value& value, std::optional<T>& member) {
  PutValue(value, member.emplace());
}

template <Plain T>
std::optional<Value> GetValue(const T& member) {
  return member;
}
template <std::integral T>
  requires(!std::same_as<T, bool>)
std::optional<Value> GetValue(T member) {
  return static_cast<std::int64_t>(member);
}
inline std::optional<Value> GetValue(std::chrono::seconds member) { return std::int64_t{member.count()}; }
inline std::optional<Value> GetValue(std::chrono::milliseconds member) {
  return static_cast<double>(member.count()) / 1000;
}
inline std::optional<Value> GetValue(OnDenial member) { return std::string(OnDenialName(member)); }
inline std::optional<Value> GetValue(PolicyMode member) { return std::string(PolicyModeName(member)); }
template <typename T>
std::optional<Value> GetValue(const std::optional<T>& member) {
  return member ? GetValue(*member) : std::nullopt;
}

/// The member at the end of `path`, which begins in the Config.
template <auto... path>
struct MemberAt {
  static void Put(Config& config, const Value& value) { PutValue(value, (config.*....*path)); }
  static std::optional<Value> Get(const Config& config) { return GetValue((config.*....*path)); }
};
template <auto... path>
inline constexpr ConfigMember kMember{MemberAt<path...>::Put, MemberAt<path...>::Get};

}  // namespace rune::agent
