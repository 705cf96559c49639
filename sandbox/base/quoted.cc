#include "sandbox/base/quoted.h"

#include "sandbox/base/encoding.h"

namespace rune {
namespace {

void AppendEscape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      out.append("\\u00").append(HexEncode({&c, 1}));
  }
}

}  // namespace

void AppendJsonQuoted(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // where the characters begin that are yet to be copied
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x20 && text[i] != '"' && text[i] != '\\') continue;
    out.append(text, plain, i - plain);
    AppendEscape(out, text[i]);
    plain = i + 1;
  }
  out.append(text, plain);
  out += '"';
}

std::string QuoteJson(std::string_view text) {
  std::string out;
  AppendJsonQuoted(out, text);
  return out;
}

std::string QuoteToml(std::string_view text) {
  constexpr char kDelete = '\x7f';
  std::string out = QuoteJson(text);
  for (std::size_t at = out.find(kDelete); at != std::string::npos; at = out.find(kDelete, at)) {
    out.replace(at, 1, "\\u007f");
  }
  return out;
}

}  // namespace rune
