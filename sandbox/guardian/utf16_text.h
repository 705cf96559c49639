#pragma once
/// UTF-16 with a byte order mark, as editors of other systems write it (RFC 2781), as UTF-8.

#include <optional>
#include <string>
#include <string_view>

namespace rune::sandbox {

bool StartsAsUtf16(std::string_view data);
/// Without the mark. nullopt for what has none, has half a character, or holds a NUL.
std::optional<std::string> Utf8FromUtf16(std::string_view data);

}  // namespace rune::sandbox
