#include "sandbox/base/utc_time.h"

#include <gtest/gtest.h>

#include <limits>

namespace rune {
namespace {

TEST(UtcTimeTest, IsRfc3339WhateverTheZone) {
  ::setenv("TZ", "America/New_York", 1);
  const struct {
    std::int64_t seconds;
    const char* text;
  } cases[] = {{0, "1970-01-01T00:00:00Z"},
               {-1, "1969-12-31T23:59:59Z"},
               {951'782'400, "2000-02-29T00:00:00Z"},
               {1'795'501'800, "2026-11-24T06:30:00Z"},
               {4'102'444'800, "2100-01-01T00:00:00Z"}};
  for (const auto& c : cases) EXPECT_EQ(FormatUtc(c.seconds), c.text);
  ::unsetenv("TZ");
}

TEST(UtcTimeTest, AMomentBeyondEveryCalendarIsNoText) {
  EXPECT_EQ(FormatUtc(std::numeric_limits<std::int64_t>::max()), "");
}

}  // namespace
}  // namespace rune
