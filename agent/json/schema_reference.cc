#include "agent/json/schema_reference.h"

#include "agent/json/pointer.h"
#include "sandbox/base/encoding.h"

namespace rune::json {

Draft DraftOf(const View& root) {
  const auto named = root["$schema"].string();
  return named && named->find("draft-0") != std::string_view::npos ? Draft::k7 : Draft::k2020;
}

View FindReference(const View& root, std::string_view reference) {
  if (!reference.starts_with('#')) return {};
  const auto pointer = PercentDecode(reference.substr(1));
  if (!pointer || !CheckPointer(*pointer).ok()) return {};
  return Resolve(root, *pointer);
}

}  // namespace rune::json
