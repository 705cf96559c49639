#pragma once
/// Makes any JSON Schema one that Gemini takes. It refuses a whole request for one keyword that it does not know
/// (https://ai.google.dev/api/caching#FunctionDeclaration, parametersJsonSchema).

#include <string>
#include <string_view>

namespace rune::agent {

/// What is not on Gemini's list is left out, or said otherwise: const as enum, exclusive bounds as bounds, a list of
/// types and oneOf as anyOf, $ref and an allOf of one as what they stand for. So it may allow more than `schema` does,
/// never less but for schemas that refer to themselves, which end after a few levels in "anything". Pure; the same text
/// for the same schema. For what is no schema: one of any object.
std::string SanitiseForGemini(std::string_view schema);

}  // namespace rune::agent
