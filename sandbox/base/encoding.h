#pragma once
/// Bytes as text and back. Pure. The decoders give nullopt for anything that is not exactly what an encoder writes, so
/// that no two texts mean the same bytes (PercentDecode() aside, where any byte may be written either way).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rune {

std::string HexEncode(std::string_view bytes);
std::string Base64Encode(std::string_view bytes);  ///< RFC 4648 section 4, padded.
std::optional<std::string> Base64Decode(std::string_view text);
constexpr std::size_t Base64Size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }
/// The same to a place that has room for Base64Size() characters.
void Base64EncodeTo(std::string_view bytes, char* out);
std::string Base64UrlEncode(std::string_view bytes);  ///< RFC 4648 section 5, without padding.
std::optional<std::string> Base64UrlDecode(std::string_view text);
std::string PercentEncode(std::string_view bytes);  ///< RFC 3986: all but the unreserved characters.
std::optional<std::string> PercentDecode(std::string_view text);

}  // namespace rune
