#include "agent/json/pattern.h"

#include <regex>
#include <string>

#include "sandbox/base/text.h"

namespace rune::json {
namespace {

/// UTF-8 to code points: wchar_t holds a whole one on Linux.
std::wstring Widen(std::string_view text) {
  std::wstring out;
  for (const char c : ScrubUtf8(text)) {
    const unsigned byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) {
      out.back() = static_cast<wchar_t>((static_cast<unsigned>(out.back()) << 6) | (byte & 0x3F));
    } else {
      out += static_cast<wchar_t>(byte < 0x80   ? byte
                                  : byte < 0xE0 ? byte & 0x1F
                                  : byte < 0xF0 ? byte & 0x0F
                                                : byte & 0x07);
    }
  }
  return out;
}

}  // namespace

struct Pattern::Impl {
  std::wregex expression;
};

Pattern::Pattern(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Result<Pattern> Pattern::Compile(std::string_view pattern) {
  if (pattern.size() > kMaxPattern) {
    return Error::Invalid("pattern is longer than " + std::to_string(kMaxPattern) + " bytes");
  }
  auto impl = std::make_unique<Impl>();
  try {
    // libstdc++'s default matcher recurses per character and backtracks without bound; this one does neither.
    impl->expression.assign(Widen(pattern), std::regex_constants::ECMAScript | std::regex_constants::__polynomial);
  } catch (const std::regex_error& e) {
    return Error::Invalid("pattern '" + OneLine(pattern, 64) + "': " + OneLine(e.what(), 100));
  }
  return Pattern(std::move(impl));
}

Result<bool> Pattern::Matches(std::string_view text) const {
  if (text.size() > kMaxText) {
    return Error::Invalid("is longer than the " + std::to_string(kMaxText) + " bytes that a pattern can be checked on");
  }
  try {
    return std::regex_search(Widen(text), impl_->expression);
  } catch (const std::regex_error& e) {
    return Error::Invalid(OneLine(e.what(), 100));
  }
}

}  // namespace rune::json
