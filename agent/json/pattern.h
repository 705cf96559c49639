#pragma once
/// Regular expressions from outside, on texts from outside: RE2, so that time is linear in the text and nothing
/// recurses. What no such matcher can do (back references, look-ahead, look-behind) is refused by name.

#include <memory>
#include <string_view>

#include "sandbox/base/result.h"

namespace re2 {
class RE2;
}

namespace rune::json {

class Pattern {
 public:
  /// As JSON Schema means it: ECMA-262 with the flag u. kInvalidInput when malformed, beyond RE2, or too long.
  static Result<Pattern> Ecma(std::string_view pattern);
  /// A POSIX extended regular expression (regex(7), REG_NEWLINE: ^ and $ match at lines), leftmost-longest, and what
  /// RE2 understands besides (\d, (?i)).
  static Result<Pattern> Posix(std::string_view pattern);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  /// Anywhere in the text, which is valid UTF-8.
  bool Matches(std::string_view text) const;

  static constexpr std::size_t kMaxPattern = 4 << 10;  ///< Bytes.

 private:
  enum class Grammar { kEcma, kPosix };
  static Result<Pattern> Compile(std::string_view pattern, Grammar grammar);
  explicit Pattern(std::unique_ptr<re2::RE2> expression);
  std::unique_ptr<re2::RE2> expression_;
};

}  // namespace rune::json
