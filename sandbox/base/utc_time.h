#pragma once
/// Moments as text that sorts and that every machine reads. Pure.

#include <cstdint>
#include <string>

namespace rune {

/// RFC 3339, in UTC and whole seconds: "2026-11-24T06:30:00Z". `unix_seconds` as time(2) counts them; "" for what no
/// calendar reaches.
std::string FormatUtc(std::int64_t unix_seconds);

}  // namespace rune
