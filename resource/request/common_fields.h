#pragma once
/// The members that `source` and `params` have in common besides settings: the shape of a structured answer.

#include <string>
#include <string_view>
#include <vector>

#include "agent/json/json.h"
#include "resource/request/request.h"
#include "sandbox/base/result.h"

namespace rune::resource {

/// An object, or a string that holds one.
Result<void> ReadSchemaText(const json::View& view, std::string& schema);
Result<void> ReadPointers(const json::View& view, std::vector<std::string>& pointers);
/// version_from needs a schema.
Result<void> CheckShape(const AnswerShape& shape, std::string_view owner);

template <typename T>
Result<void> ReadSchema(const json::View& view, T& into) {
  return ReadSchemaText(view, into.shape.schema);
}
template <typename T>
Result<void> ReadVersionFrom(const json::View& view, T& into) {
  return ReadPointers(view, into.shape.version_from);
}

}  // namespace rune::resource
