#include "agent/json/pattern_grammar.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace rune::json {
namespace {

/// ECMA-262 22.2.2.9: WhiteSpace and LineTerminator.
constexpr std::string_view kBlank =
    R"(\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff})";

/// Names of general categories (UAX #44) that RE2 knows by their short forms only.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kCategories{{{"Letter", "L"},
                                                                                     {"Lowercase_Letter", "Ll"},
                                                                                     {"Uppercase_Letter", "Lu"},
                                                                                     {"Titlecase_Letter", "Lt"},
                                                                                     {"Modifier_Letter", "Lm"},
                                                                                     {"Other_Letter", "Lo"},
                                                                                     {"Mark", "M"},
                                                                                     {"Number", "N"},
                                                                                     {"Decimal_Number", "Nd"},
                                                                                     {"digit", "Nd"},
                                                                                     {"Punctuation", "P"},
                                                                                     {"Symbol", "S"},
                                                                                     {"Separator", "Z"},
                                                                                     {"Other", "C"}}};

/// What stands at the begin of a group, and in `out` what RE2 calls it.
Result<void> Group(std::string_view in, std::size_t& at, std::string& out) {
  const std::string_view rest = in.substr(at);
  for (const auto& [begin, name] : {std::pair<std::string_view, const char*>{"(?=", "look-ahead"},
                                    {"(?!", "look-ahead"},
                                    {"(?<=", "look-behind"},
                                    {"(?<!", "look-behind"}}) {
    if (rest.starts_with(begin)) return Error::Invalid(std::string(name) + " is not supported");
  }
  if (rest.starts_with("(?<")) {
    at += 3, out += "(?P<";
  } else {
    ++at, out += '(';
  }
  return Ok();
}

class Ecma {
 public:
  explicit Ecma(std::string_view pattern) : in_(pattern) {}

  Result<std::string> Rewrite() {
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == '\\') {
        RUNE_RETURN_IF_ERROR(EcmaEscape());
      } else if (c == '[') {
        RUNE_RETURN_IF_ERROR(EcmaClass());
      } else if (c == '(') {
        RUNE_RETURN_IF_ERROR(Group(in_, at_, out_));
      } else if (c == '.') {
        ++at_, out_ += R"([^\n\r\x{2028}\x{2029}])";
      } else {
        ++at_, out_ += c;
      }
    }
    return std::move(out_);
  }

 private:
  /// `digits` hexadecimal digits behind `at`, as a code point.
  std::optional<unsigned> Hex(std::size_t at, std::size_t digits) const {
    unsigned value = 0;
    if (at + digits > in_.size()) return std::nullopt;
    const char* const end = in_.data() + at + digits;
    if (digits == 0 || std::from_chars(in_.data() + at, end, value, 16).ptr != end) return std::nullopt;
    return value;
  }

  void Put(unsigned code_point) {
    std::array<char, 8> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), code_point, 16).ptr;
    out_.append("\\x{").append(digits.data(), end).append("}");
  }

  /// \uXXXX, \u{X...}, \uD83D\uDE00.
  Result<void> Unicode() {
    if (at_ + 2 < in_.size() && in_[at_ + 2] == '{') {
      const std::size_t close = in_.find('}', at_);
      const auto value = close == std::string_view::npos ? std::nullopt : Hex(at_ + 3, close - at_ - 3);
      if (!value || *value > 0x10FFFF) return Error::Invalid("malformed \\u{...}");
      Put(*value);
      at_ = close + 1;
      return Ok();
    }
    auto value = Hex(at_ + 2, 4);
    if (!value) return Error::Invalid("\\u without four hexadecimal digits");
    at_ += 6;
    if (*value >= 0xD800 && *value < 0xDC00 && in_.substr(at_).starts_with("\\u")) {
      if (const auto low = Hex(at_ + 2, 4); low && *low >= 0xDC00 && *low < 0xE000) {
        value = 0x10000 + ((*value - 0xD800) << 10) + (*low - 0xDC00);
        at_ += 6;
      }
    }
    Put(*value);
    return Ok();
  }

  /// \p{...}: RE2 knows the short names of categories and the bare names of scripts.
  Result<void> Property() {
    const std::size_t close = in_.find('}', at_);
    if (at_ + 2 >= in_.size() || in_[at_ + 2] != '{' || close == std::string_view::npos) {
      return Error::Invalid("\\p without {...}");
    }
    std::string_view name = in_.substr(at_ + 3, close - at_ - 3);
    for (const std::string_view kind : {"General_Category=", "gc=", "Script=", "sc="}) {
      if (name.starts_with(kind)) name.remove_prefix(kind.size());
    }
    for (const auto& [word, brief] : kCategories) {
      if (name == word) name = brief;
    }
    out_.append(in_.substr(at_, 2)).append("{").append(name).append("}");
    at_ = close + 1;
    return Ok();
  }

  Result<void> EcmaEscape() {
    const char c = at_ + 1 < in_.size() ? in_[at_ + 1] : '\0';
    if ((c >= '1' && c <= '9') || c == 'k') return Error::Invalid("a back reference is not supported");
    switch (c) {
      case 'u':
        return Unicode();
      case 'p':
      case 'P':
        return Property();
      case 'c':
        if (at_ + 2 >= in_.size()) return Error::Invalid("\\c without a letter");
        Put(static_cast<unsigned>(in_[at_ + 2]) % 32);
        at_ += 3;
        return Ok();
      case 's':
        out_.append(in_class_ ? "" : "[").append(kBlank).append(in_class_ ? "" : "]");
        break;
      case 'S':
        if (in_class_) return Error::Invalid("\\S inside brackets is not supported");
        out_.append("[^").append(kBlank).append("]");
        break;
      case '0':
        out_ += R"(\x{0})";
        break;
      case 'b':
        out_ += in_class_ ? R"(\x{8})" : R"(\b)";
        break;
      default:
        out_.append(in_.substr(at_, 2));
        break;
    }
    at_ += 2;
    return Ok();
  }

  /// [...], in which "[" is a letter like any other: RE2 would read "[:" as the begin of a named class.
  Result<void> EcmaClass() {
    if (in_.substr(at_).starts_with("[^]")) {
      at_ += 3, out_ += R"((?s:.))";
      return Ok();
    }
    if (in_.substr(at_).starts_with("[]")) {
      at_ += 2, out_ += R"([^\x{0}-\x{10ffff}])";
      return Ok();
    }
    ++at_, out_ += '[';
    in_class_ = true;
    while (at_ < in_.size() && in_[at_] != ']') {
      if (in_[at_] == '\\') {
        RUNE_RETURN_IF_ERROR(EcmaEscape());
      } else {
        if (in_[at_] == '[') out_ += '\\';
        out_ += in_[at_++];
      }
    }
    in_class_ = false;
    if (at_ == in_.size()) return Error::Invalid("missing ]");
    ++at_, out_ += ']';
    return Ok();
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
  bool in_class_ = false;
};

class Posix {
 public:
  explicit Posix(std::string_view pattern) : in_(pattern) {}

  Result<std::string> Rewrite() {
    out_ = "(?m)";
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == '\\' && at_ + 1 < in_.size()) {
        RUNE_RETURN_IF_ERROR(PosixEscape());
      } else if (c == '[') {
        PosixBracket();
      } else if (c == '(') {
        RUNE_RETURN_IF_ERROR(Group(in_, at_, out_));
      } else if (in_.substr(at_).starts_with("{,")) {
        at_ += 2, out_ += "{0,";
      } else {
        ++at_, out_ += c;
      }
    }
    return std::move(out_);
  }

 private:
  std::string_view Rest() const { return in_.substr(at_); }

  Result<void> PosixEscape() {
    const char c = in_[at_ + 1];
    if (c >= '1' && c <= '9') return Error::Invalid("a back reference is not supported");
    // GNU's words for the begin and the end of a word.
    out_.append(c == '<' || c == '>' ? std::string_view(R"(\b)") : in_.substr(at_, 2));
    at_ += 2;
    return Ok();
  }

  /// In brackets a backslash stands for itself, and "]" does where it comes first (POSIX.1-2017, XBD 9.3.5).
  void PosixBracket() {
    out_ += in_[at_++];
    if (Rest().starts_with("^")) out_ += in_[at_++];
    if (Rest().starts_with("]")) ++at_, out_ += R"(\])";
    while (at_ < in_.size() && in_[at_] != ']') {
      const std::size_t close = Rest().starts_with("[:") ? in_.find(":]", at_) : std::string_view::npos;
      if (close != std::string_view::npos) {
        out_.append(in_.substr(at_, close + 2 - at_));
        at_ = close + 2;
        continue;
      }
      if (in_[at_] == '\\' || in_[at_] == '[') out_ += '\\';
      out_ += in_[at_++];
    }
    if (at_ < in_.size()) out_ += in_[at_++];
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

Result<std::string> FromEcma(std::string_view pattern) { return Ecma(pattern).Rewrite(); }
Result<std::string> FromPosix(std::string_view pattern) { return Posix(pattern).Rewrite(); }

}  // namespace rune::json
