#pragma once
/// The members that `source` and `params` have in common: limits and the shape of a structured answer.

#include <string>
#include <string_view>
#include <vector>

#include "agent/json/json.h"
#include "resource/request/request.h"
#include "sandbox/base/result.h"

namespace rune::resource {

Result<void> ReadLimitsObject(const json::View& view, Limits& limits);
/// An object, or a string that holds one.
Result<void> ReadSchemaText(const json::View& view, std::string& schema);
Result<void> ReadPointers(const json::View& view, std::vector<std::string>& pointers);
/// kInvalidInput "<path>: from 1 to 20" when `number` is out of the range that the setting of this name has
/// ("retry.attempts"): a step and the command line take the same.
Result<void> CheckRange(const json::View& view, std::string_view setting, double number);
/// version_from needs a schema.
Result<void> CheckShape(const AnswerShape& shape, std::string_view owner);

std::vector<std::string> LimitKeys();

template <typename T>
Result<void> ReadLimits(const json::View& view, T& into) {
  return ReadLimitsObject(view, into.limits);
}
template <typename T>
Result<void> ReadSchema(const json::View& view, T& into) {
  return ReadSchemaText(view, into.shape.schema);
}
template <typename T>
Result<void> ReadVersionFrom(const json::View& view, T& into) {
  return ReadPointers(view, into.shape.version_from);
}

}  // namespace rune::resource
