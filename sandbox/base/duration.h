#pragma once
/// Spans of time as people write and read them. Pure.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace rune {

/// Seconds ("90", "1.5"), or one or more amounts with their units h, m, s, ms, as Go writes them ("500ms", "10m",
/// "1h30m", "1.5h"). Rounded up to the millisecond, so that a little time is never none. nullopt for everything else
/// and above 10^9 seconds: signs, blanks, exponents, an amount without a unit behind one that has one.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

/// "350 ms"; from a second on "2 s", "1.5 s": seconds, rounded up to tenths.
std::string FormatDuration(std::chrono::milliseconds time);

}  // namespace rune
