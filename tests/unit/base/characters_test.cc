#include "sandbox/base/characters.h"

#include <gtest/gtest.h>

#include <cctype>

namespace rune {
namespace {

TEST(CharactersTest, TheClassesAreThoseOfTheCLocaleAndNothingBeyondAscii) {
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool ascii = i < 128;
    EXPECT_EQ(IsDigit(c), ascii && std::isdigit(i) != 0) << i;
    EXPECT_EQ(IsLower(c), ascii && std::islower(i) != 0) << i;
    EXPECT_EQ(IsUpper(c), ascii && std::isupper(i) != 0) << i;
    EXPECT_EQ(IsLetter(c), ascii && std::isalpha(i) != 0) << i;
    EXPECT_EQ(IsAlphanumeric(c), ascii && std::isalnum(i) != 0) << i;
    EXPECT_EQ(IsVisible(c), ascii && std::isgraph(i) != 0) << i;
    EXPECT_EQ(HexDigit(c).has_value(), ascii && std::isxdigit(i) != 0) << i;
  }
}

TEST(CharactersTest, AHexadecimalDigitHasOneValueInBothCases) {
  EXPECT_EQ(HexDigit('0'), 0U);
  EXPECT_EQ(HexDigit('9'), 9U);
  EXPECT_EQ(HexDigit('a'), 10U);
  EXPECT_EQ(HexDigit('F'), 15U);
}

TEST(CharactersTest, AllLooksAtEveryCharacter) {
  EXPECT_TRUE(All("0123", IsDigit));
  EXPECT_FALSE(All("012x", IsDigit));
  EXPECT_FALSE(All("x012", IsDigit));
  EXPECT_TRUE(All("", IsDigit));
}

}  // namespace
}  // namespace rune
