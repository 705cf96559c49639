#pragma once
/// Classes of characters in ASCII alone, whatever the locale says (isalnum(3) asks it, and is undefined for bytes above
/// 127). Pure.

#include <algorithm>
#include <optional>
#include <string_view>

namespace rune {

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool IsLetter(char c) { return IsLower(c) || IsUpper(c); }
constexpr bool IsAlphanumeric(char c) { return IsLetter(c) || IsDigit(c); }
/// '!' to '~': what has a shape on paper. No blank, no control, nothing beyond ASCII.
constexpr bool IsVisible(char c) { return c > ' ' && c <= '~'; }
/// 0 to 15; nullopt for what is no hexadecimal digit of either case.
constexpr std::optional<unsigned> HexDigit(char c) {
  if (IsDigit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

/// Every character of `text` is of the class; so it is for the empty text.
template <typename Class>
constexpr bool All(std::string_view text, Class is) {
  return std::all_of(text.begin(), text.end(), is);
}

}  // namespace rune
