#pragma once
/// Reading of JSON members into plain structs through tables: the table is the list of known keys, so that parser,
/// error messages and documentation cannot drift apart. Scalars are read liberally, names strictly. A null is a missing
/// member.

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config/scalar.h"
#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::resource {

using agent::ExpectedOneOf;
using agent::ProblemAt;
using agent::ReadCount;
using agent::ReadDuration;
using agent::ReadFlag;
using agent::ReadText;
using agent::ReadTexts;

template <typename T>
struct Field {
  std::string_view key;
  Result<void> (*read)(const json::View& view, T& into);
};

template <typename T>
std::vector<std::string> KeysOf(std::span<const Field<T>> fields) {
  std::vector<std::string> keys;
  keys.reserve(fields.size());
  for (const Field<T>& field : fields) keys.emplace_back(field.key);
  return keys;
}

/// Reads the members of `object` (null or missing: none) that have a field.
template <typename T>
Result<void> ReadMembers(const json::View& object, std::span<const Field<T>> fields, T& into) {
  for (const Field<T>& field : fields) {
    const json::View member = object[field.key];
    if (!member.is_null()) RUNE_RETURN_IF_ERROR(field.read(member, into));
  }
  return Ok();
}

/// The same; a member without a field is an error.
template <typename T>
Result<void> ReadFields(const json::View& object, std::span<const Field<T>> fields, T& into) {
  RUNE_RETURN_IF_ERROR(json::CheckKeys(object, KeysOf(fields)));
  return ReadMembers(object, fields, into);
}

/// Readers of one member, for the tables: {"model", Text<Source, &Source::model>}.
template <typename T, std::string T::* member>
Result<void> Text(const json::View& view, T& into) {
  return ReadText(view, into.*member);
}
template <typename T, std::optional<std::string> T::* member>
Result<void> MaybeText(const json::View& view, T& into) {
  return ReadText(view, (into.*member).emplace());
}
template <typename T, std::vector<std::string> T::* member>
Result<void> Texts(const json::View& view, T& into) {
  return ReadTexts(view, into.*member);
}
template <typename T, bool T::* member>
Result<void> Flag(const json::View& view, T& into) {
  return ReadFlag(view, into.*member);
}

/// One word of a closed set; the table gives the value of each.
template <typename E, std::size_t N>
Result<void> ReadWord(const json::View& view, const std::array<std::pair<std::string_view, E>, N>& words, E& into) {
  std::string word;
  RUNE_RETURN_IF_ERROR(ReadText(view, word));
  std::array<std::string_view, N> names;
  for (std::size_t i = 0; i < N; ++i) {
    names[i] = words[i].first;
    if (word != names[i]) continue;
    into = words[i].second;
    return Ok();
  }
  return ExpectedOneOf(view, names);
}

}  // namespace rune::resource
