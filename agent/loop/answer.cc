#include "agent/loop/answer.h"

#include "agent/json/schema.h"

namespace rune::agent {

Result<std::string> StructuredAnswer(const std::string& answer, const std::string& schema) {
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::ParseAnswer(answer));
  RUNE_ASSIGN_OR_RETURN(const json::Document promised, json::Document::Parse(schema, "schema"));
  RUNE_RETURN_IF_ERROR(json::Validate(document.root(), promised.root()));
  return document.root().DumpCanonical();
}

}  // namespace rune::agent
