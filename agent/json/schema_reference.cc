#include "agent/json/schema_reference.h"

#include <charconv>
#include <string>

#include "agent/json/pointer.h"

namespace rune::json {
namespace {

/// RFC 3986, section 2.1; a malformed escape stays as it is.
std::string PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

Draft DraftOf(const View& root) {
  const auto named = root["$schema"].string();
  return named && named->find("draft-0") != std::string_view::npos ? Draft::k7 : Draft::k2020;
}

View FindReference(const View& root, std::string_view reference) {
  if (!reference.starts_with('#')) return {};
  const std::string pointer = PercentDecode(reference.substr(1));
  if (!CheckPointer(pointer).ok()) return {};
  return Resolve(root, pointer);
}

}  // namespace rune::json
