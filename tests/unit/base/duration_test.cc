#include "sandbox/base/duration.h"

#include <gtest/gtest.h>

namespace rune {
namespace {

TEST(DurationTest, ReadsSecondsAndAmountsWithUnits) {
  const struct {
    const char* text;
    std::int64_t ms;
  } cases[] = {{"0", 0},
               {"30", 30'000},
               {"1.5", 1500},
               {"90s", 90'000},
               {"500ms", 500},
               {"2m", 120'000},
               {"1h30m", 5'400'000},
               {"1.5h", 5'400'000},
               {"1m1s1ms", 61'001},
               {"1.1s", 1100},
               {"0.7h", 2'520'000},
               {"1000000000", 1'000'000'000'000}};
  for (const auto& c : cases) EXPECT_EQ(ParseDuration(c.text), std::chrono::milliseconds(c.ms)) << c.text;
}

TEST(DurationTest, ALittleTimeIsNeverNone) {
  EXPECT_EQ(ParseDuration("0.0002"), std::chrono::milliseconds(1));
  EXPECT_EQ(ParseDuration("1.2ms"), std::chrono::milliseconds(2));
}

TEST(DurationTest, RefusesEverythingElse) {
  for (const char* text : {"", ".", "-1", "+1", "h", "1d", "1h30", "1..5h", "1 h", " 1", "1e3", "inf", "nan", "0x10",
                           "1H", "99999999999999999999", "1000000001", "1e9h"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(DurationTest, WritesWhatAPersonReadsAtAGlance) {
  const struct {
    std::int64_t ms;
    const char* text;
  } cases[] = {{0, "0 ms"},     {350, "350 ms"}, {999, "999 ms"}, {1000, "1 s"},
               {1001, "1.1 s"}, {1500, "1.5 s"}, {1950, "2 s"},   {120'000, "120 s"}};
  for (const auto& c : cases) EXPECT_EQ(FormatDuration(std::chrono::milliseconds(c.ms)), c.text);
}

}  // namespace
}  // namespace rune
