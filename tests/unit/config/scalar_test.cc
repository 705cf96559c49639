#include "agent/config/scalar.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

TEST(ParseDuration, UnderstandsSecondsAndGoDurations) {
  EXPECT_EQ(ParseDuration("90"), std::chrono::seconds(90));
  EXPECT_EQ(ParseDuration("90s"), std::chrono::seconds(90));
  EXPECT_EQ(ParseDuration("1h30m"), std::chrono::minutes(90));
  EXPECT_EQ(ParseDuration("1.5h"), std::chrono::minutes(90));
  EXPECT_EQ(ParseDuration("200ms"), std::chrono::seconds(1)) << "rounded up: never zero";
  EXPECT_EQ(ParseDuration("0"), std::chrono::seconds(0));
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text : {"", "-1", "h", "10", "1d", "1h30", "1..5h", "99999999999999999999", "1e9h", "1 h"}) {
    if (std::string_view(text) == "10") continue;
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

}  // namespace
}  // namespace rune::agent
