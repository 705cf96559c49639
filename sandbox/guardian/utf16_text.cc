#include "sandbox/guardian/utf16_text.h"

#include <cstdint>

namespace rune::sandbox {
namespace {

void Append(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | (code >> 6));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

}  // namespace

bool StartsAsUtf16(std::string_view data) { return data.starts_with("\xFF\xFE") || data.starts_with("\xFE\xFF"); }

std::optional<std::string> Utf8FromUtf16(std::string_view data) {
  if (!StartsAsUtf16(data) || data.size() % 2 != 0) return std::nullopt;
  const std::size_t high = data[0] == '\xFE' ? 0 : 1;
  const auto unit = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(data[i + high]) << 8 |
                                      static_cast<unsigned char>(data[i + 1 - high]));
  };
  std::string out;
  for (std::size_t i = 2; i < data.size(); i += 2) {
    std::uint32_t code = unit(i);
    if (code >= 0xD800 && code < 0xE000) {
      i += 2;
      if (code >= 0xDC00 || i >= data.size() || (unit(i) & 0xFC00) != 0xDC00) return std::nullopt;
      code = 0x10000 + ((code & 0x3FF) << 10) + (unit(i) & 0x3FF);
    }
    if (code == 0) return std::nullopt;
    Append(out, code);
  }
  return out;
}

}  // namespace rune::sandbox
