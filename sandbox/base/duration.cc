#include "sandbox/base/duration.h"

#include <algorithm>
#include <cmath>

#include "sandbox/base/text.h"

namespace rune {
namespace {

constexpr std::string_view kAmount = "0123456789.";
constexpr double kLongest = 1e9 * 1000;

std::optional<double> MillisecondsOf(std::string_view unit) {
  if (unit == "h") return 3'600'000;
  if (unit == "m") return 60'000;
  if (unit == "s") return 1000;
  if (unit == "ms") return 1;
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  double total = 0;
  if (text.find_first_not_of(kAmount) == std::string_view::npos) {
    const auto seconds = ParseDouble(text);
    if (!seconds) return std::nullopt;
    total = *seconds * 1000;
    text = {};
  }
  while (!text.empty()) {
    const auto amount = ParseDouble(text.substr(0, text.find_first_not_of(kAmount)));
    text.remove_prefix(std::min(text.find_first_not_of(kAmount), text.size()));
    const std::size_t letters = std::min(text.find_first_of(kAmount), text.size());
    const auto unit = MillisecondsOf(text.substr(0, letters));
    text.remove_prefix(letters);
    if (!amount || !unit) return std::nullopt;
    total += *amount * *unit;
  }
  if (!(total <= kLongest)) return std::nullopt;
  // "1.1s" is a little more than 1100 ms in binary.
  constexpr double kNoise = 1e-4;
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(total - kNoise)));
}

std::string FormatDuration(std::chrono::milliseconds time) {
  if (time < std::chrono::seconds(1)) return std::to_string(time.count()) + " ms";
  const auto tenths = (time.count() + 99) / 100;
  return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + " s";
}

}  // namespace rune
