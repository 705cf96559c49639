#include "resource/request/common_fields.h"

#include "agent/json/pointer.h"
#include "agent/json/schema.h"
#include "resource/request/fields.h"

namespace rune::resource {

Result<void> ReadSchemaText(const json::View& view, std::string& schema) {
  const std::string text = view.string() ? std::string(*view.string()) : view.Dump();
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(text, view.path()));
  if (document.root().type() != json::Type::kObject) return ProblemAt(view, "expected a JSON Schema object");
  RUNE_RETURN_IF_ERROR(json::CheckSchema(document.root()));
  schema = document.root().DumpCanonical();
  return Ok();
}

Result<void> ReadPointers(const json::View& view, std::vector<std::string>& pointers) {
  RUNE_RETURN_IF_ERROR(ReadTexts(view, pointers));
  for (const std::string& pointer : pointers) {
    if (auto checked = json::CheckPointer(pointer); !checked.ok()) return std::move(checked).error().Wrap(view.path());
  }
  return Ok();
}

Result<void> CheckShape(const AnswerShape& shape, std::string_view owner) {
  if (shape.version_from.empty() || !shape.schema.empty()) return Ok();
  return Error::Invalid(std::string(owner) + ".version_from: needs a schema, for it names members of a JSON answer");
}

}  // namespace rune::resource
