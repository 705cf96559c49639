#pragma once
/// The canonical form of an answer: what its identity is computed from. Two answers that differ only in line ends,
/// trailing blanks or surrounding blank lines are one answer; of a JSON answer only the value counts, not its spelling.
/// Unicode normalisation (NFC) is not part of it. Pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace rune::agent {

enum class CanonicalRule : std::uint8_t {
  kNone,  ///< The bytes as they are.
  kText,  ///< CanonicalText().
  kJson,  ///< RFC 8785 of the answer, or of the members that the pointers select.
};
std::string_view CanonicalRuleName(CanonicalRule rule);
std::optional<CanonicalRule> ParseCanonicalRule(std::string_view word);

struct CanonicalForm {
  CanonicalRule rule = CanonicalRule::kText;
  std::vector<std::string> pointers;  ///< RFC 6901; only with kJson. Empty: the whole answer.

  bool operator==(const CanonicalForm&) const = default;
};

/// Valid UTF-8 (malformed bytes become U+FFFD), CR LF and CR become LF, no blanks at line ends, no blank lines at
/// either end, no final newline. The identity on an ordinary single-line answer.
std::string CanonicalText(std::string_view answer);

/// kInvalidInput when the rule is kJson and the answer holds no JSON.
Result<std::string> Canonicalize(std::string_view answer, const CanonicalForm& form);

}  // namespace rune::agent
