#pragma once
/// JSON as people write it who write YAML: scalars are read liberally, for quotes are easily forgotten, or too many.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::agent {

/// All readers: kInvalidInput "<path>: <what is wrong>", without the value, which may be a secret.
Result<void> ReadText(const json::View& view, std::string& into);  ///< Also numbers and booleans, as written.
Result<void> ReadTexts(const json::View& view, std::vector<std::string>& into);  ///< A list, or one scalar.
Result<void> ReadFlag(const json::View& view, bool& into);                       ///< Also "true", "no", 1.
Result<void> ReadInteger(const json::View& view, std::int64_t& into);            ///< Also "12".
Result<void> ReadCount(const json::View& view, std::uint64_t& into);             ///< Not negative.
Result<void> ReadNumber(const json::View& view, double& into);
/// Seconds, or a Go duration: 90, "90s", "1h30m", "1.5h".
Result<void> ReadDuration(const json::View& view, std::chrono::seconds& into);

std::optional<std::chrono::seconds> ParseDuration(std::string_view text);

/// "<path>: <problem>".
Error ProblemAt(const json::View& view, std::string_view problem);
/// "<path>: expected a, b or c".
Error ExpectedOneOf(const json::View& view, std::span<const std::string_view> words);

}  // namespace rune::agent
