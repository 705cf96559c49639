#include "agent/providers/base64.h"

#include <algorithm>
#include <cstdint>

namespace rune::agent {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void Encode(std::string_view bytes, char* out) {
  const auto byte = [bytes](std::size_t at) {
    return at < bytes.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at])) : 0u;
  };
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::uint32_t group = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    *out++ = kAlphabet[group >> 18];
    *out++ = kAlphabet[group >> 12 & 63];
    *out++ = at + 1 < bytes.size() ? kAlphabet[group >> 6 & 63] : '=';
    *out++ = at + 2 < bytes.size() ? kAlphabet[group & 63] : '=';
  }
}

}  // namespace

void WriteBase64(json::Writer& out, std::string_view bytes, std::string_view prefix) {
  out.PlainString(prefix.size() + (bytes.size() + 2) / 3 * 4,
                  [&](char* place) { Encode(bytes, std::copy(prefix.begin(), prefix.end(), place)); });
}

}  // namespace rune::agent
