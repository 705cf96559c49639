#include "agent/json/pointer.h"

#include <string>

#include "sandbox/base/text.h"

namespace rune::json {
namespace {

std::string UnescapeToken(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      out += token[++i] == '0' ? '~' : '/';
    } else {
      out += token[i];
    }
  }
  return out;
}

}  // namespace

Result<void> CheckPointer(std::string_view pointer) {
  if (pointer.empty() || pointer.front() == '/') return Ok();
  return Error::Invalid("'" + OneLine(pointer, 80) +
                        "' is not a JSON pointer: it must start with '/', as in \"/verdict\"");
}

View Resolve(const View& root, std::string_view pointer) {
  if (pointer.empty()) return root;
  View place = root;
  for (const std::string_view token : Split(pointer.substr(1), '/')) {
    if (place.type() == Type::kArray) {
      const auto index = ParseInt(token);
      if (!index || *index < 0) return {};
      place = place[static_cast<std::size_t>(*index)];
    } else {
      place = place[std::string_view(UnescapeToken(token))];
    }
    if (!place.exists()) return {};
  }
  return place;
}

}  // namespace rune::json
