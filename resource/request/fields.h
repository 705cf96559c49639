#pragma once
/// Reading of JSON members into plain structs through tables: the table is the list of known keys, so that parser,
/// error messages and documentation cannot drift apart. Scalars are read liberally (authors of YAML forget quotes),
/// names strictly. A null is a missing member.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// All readers: kInvalidInput "<path>: <what is wrong>".
Result<void> ReadText(const json::View& view, std::string& into);  ///< Also numbers and booleans, as written.
Result<void> ReadTexts(const json::View& view, std::vector<std::string>& into);  ///< A list, or one scalar.
Result<void> ReadFlag(const json::View& view, bool& into);                       ///< Also "true", "no", 1.
Result<void> ReadCount(const json::View& view, std::uint64_t& into);             ///< Not negative; also "12".
Result<void> ReadNumber(const json::View& view, double& into);
/// Seconds, or a Go duration: 90, "90s", "1h30m", "1.5h".
Result<void> ReadDuration(const json::View& view, std::chrono::seconds& into);

std::optional<std::chrono::seconds> ParseDuration(std::string_view text);

/// "<path>: <problem>".
Error ProblemAt(const json::View& view, std::string_view problem);
/// "<path>: expected a, b or c".
Error ExpectedOneOf(const json::View& view, std::span<const std::string_view> words);

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

/// Reads every member of `object` (null or missing: none) through its field; an unknown member is an error.
template <typename T>
Result<void> ReadFields(const json::View& object, std::span<const Field<T>> fields, T& into) {
  if (object.is_null()) return Ok();
  RUNE_RETURN_IF_ERROR(json::CheckKeys(object, KeysOf(fields)));
  for (const Field<T>& field : fields) {
    const json::View member = object[field.key];
    if (!member.is_null()) RUNE_RETURN_IF_ERROR(field.read(member, into));
  }
  return Ok();
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
