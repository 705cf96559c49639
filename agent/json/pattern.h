#pragma once
/// Regular expressions of JSON Schema (ECMA-262) over Unicode code points, safe for patterns and texts from outside:
/// no backtracking, so back references are refused.

#include <memory>
#include <string_view>

#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::json {

class Pattern {
 public:
  /// kInvalidInput when malformed, with a back reference, or longer than kMaxPattern.
  static Result<Pattern> Compile(std::string_view pattern);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  /// Unanchored, as JSON Schema says. kInvalidInput when the text is longer than kMaxText.
  Result<bool> Matches(std::string_view text) const;

  static constexpr std::size_t kMaxPattern = 512;   ///< Bytes.
  static constexpr std::size_t kMaxText = 4 << 10;  ///< Bytes; the matcher is quadratic at worst.

 private:
  struct Impl;
  explicit Pattern(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The schema that a `$ref` names ("#", "#/$defs/<name>", "#/definitions/<name>"); missing when there is none.
View FindReference(const View& root, std::string_view reference);

}  // namespace rune::json
