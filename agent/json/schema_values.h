#pragma once
/// The keywords that judge one value by itself, without other schemas. Internal to schema.h.

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::json {

/// "answer.list[1]: <what>".
Error Bad(const View& value, const std::string& what);
/// In quotes, safe, on one line.
std::string Quoted(std::string_view name);
std::size_t CodePoints(std::string_view text);

Result<void> CheckType(const View& value, const View& type);
/// `enum` and `const`: equal values have equal canonical texts.
Result<void> CheckEqual(const View& value, const View& schema);
Result<void> CheckNumber(const View& value, const View& schema);

/// The pair of keywords that bound a length or a count.
struct Bounds {
  const char* least;
  const char* most;
  const char* unit;
};
Result<void> CheckCount(const View& value, const View& schema, std::size_t count, const Bounds& bounds);

}  // namespace rune::json
