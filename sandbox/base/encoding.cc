#include "sandbox/base/encoding.h"

#include <algorithm>

#include "sandbox/base/characters.h"

namespace rune {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Padded, whatever the alphabet.
void EncodeGroups(std::string_view bytes, std::string_view alphabet, char* out) {
  const auto byte = [bytes](std::size_t at) {
    return at < bytes.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at])) : 0u;
  };
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::uint32_t group = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    *out++ = alphabet[group >> 18];
    *out++ = alphabet[group >> 12 & 63];
    *out++ = at + 1 < bytes.size() ? alphabet[group >> 6 & 63] : '=';
    *out++ = at + 2 < bytes.size() ? alphabet[group & 63] : '=';
  }
}

/// Without padding, whatever the alphabet.
std::optional<std::string> DecodeDigits(std::string_view text, std::string_view alphabet) {
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  unsigned pending = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t digit = alphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    pending = pending << 6 | static_cast<unsigned>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(pending >> bits & 0xFF);
    }
  }
  // Left-over bits must be padding zeros, or two texts would decode to the same bytes.
  if (bits >= 6 || (pending & ((1u << bits) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace

std::string HexEncode(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 0xF];
  }
  return out;
}

void Base64EncodeTo(std::string_view bytes, char* out) { EncodeGroups(bytes, kBase64, out); }

std::string Base64Encode(std::string_view bytes) {
  std::string out(Base64Size(bytes.size()), '=');
  Base64EncodeTo(bytes, out.data());
  return out;
}

std::string Base64UrlEncode(std::string_view bytes) {
  std::string out(Base64Size(bytes.size()), '=');
  EncodeGroups(bytes, kBase64Url, out.data());
  out.resize(std::min(out.find('='), out.size()));
  return out;
}

std::optional<std::string> Base64UrlDecode(std::string_view text) { return DecodeDigits(text, kBase64Url); }

std::optional<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return DecodeDigits(text, kBase64);
}

std::string PercentEncode(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    const bool unreserved = IsAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 0xF];
    }
  }
  return out;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? HexDigit(text[i + 1]) : std::nullopt;
    const auto low = high ? HexDigit(text[i + 2]) : std::nullopt;
    if (!low) return std::nullopt;
    out += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return out;
}

}  // namespace rune
