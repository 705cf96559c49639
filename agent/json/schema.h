#pragma once
/// Validation of an answer against a JSON Schema (draft 2020-12, and draft 7 where `$schema` says so), with
/// references within the document. What is not supported: unevaluated*, $dynamicRef, $anchor, $id below the root,
/// references to other documents.

#include <string>
#include <string_view>

#include "agent/json/json.h"

namespace rune::json {

/// kInvalidInput when the schema uses a keyword that Validate() would not check: an unchecked promise is refused.
Result<void> CheckSchema(const View& schema);
/// kInvalidInput "<path>: <what is wrong>", the first violation.
Result<void> Validate(const View& value, const View& schema);
/// Takes the JSON out of a model's answer: the whole text, or the one fenced block in it.
Result<Document> ParseAnswer(std::string_view answer);

}  // namespace rune::json
