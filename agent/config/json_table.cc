#include "agent/config/json_table.h"

#include <string>

namespace rune::agent {

Result<JsonTable> JsonTable::Parse(std::string_view json, std::string_view name) {
  RUNE_ASSIGN_OR_RETURN(json::Document document, json::Document::Parse(json, std::string(name)));
  if (document.root().type() != json::Type::kObject) return Error::Invalid(std::string(name) + ": expected an object");
  JsonTable table;
  table.document_ = std::make_shared<const json::Document>(std::move(document));
  return table;
}

}  // namespace rune::agent
