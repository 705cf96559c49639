#include "sandbox/base/text.h"

#include <gtest/gtest.h>

namespace rune {
namespace {

TEST(Utf8Test, MalformedSequencesBecomeOneReplacementEach) {
  const struct {
    std::string in;
    std::string out;
  } cases[] = {
      {"plain", "plain"},
      {"\xC3\xA9", "\xC3\xA9"},
      {"\xFF\xFE", "\uFFFD\uFFFD"},
      {"\xC0\xAF", "\uFFFD\uFFFD"},                      // overlong
      {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},            // surrogate
      {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},  // above U+10FFFF
      {"a\xE2\x82", "a\uFFFD"},                          // cut
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ScrubUtf8(c.in), c.out);
    EXPECT_TRUE(IsValidUtf8(ScrubUtf8(c.in)));
    EXPECT_EQ(IsValidUtf8(c.in), c.in == c.out);
  }
}

TEST(Utf8Test, FindsAFaultWhereverItStands) {
  for (std::size_t at = 0; at < 20; ++at) {
    std::string text(20, 'a');
    EXPECT_TRUE(IsValidUtf8(text));
    text[at] = '\xFF';
    EXPECT_FALSE(IsValidUtf8(text)) << at;
    text.replace(at, 1, "\xC3\xA9");
    EXPECT_TRUE(IsValidUtf8(text)) << at;
    EXPECT_FALSE(IsValidUtf8(text.substr(0, at + 1))) << at;
  }
}

TEST(Utf8Test, ACutNeverSplitsACharacter) {
  const std::string text = "aé漢🙂z";
  for (std::size_t n = 0; n <= text.size(); ++n) {
    EXPECT_TRUE(IsValidUtf8(Utf8Prefix(text, n))) << n;
    EXPECT_TRUE(IsValidUtf8(Utf8Suffix(text, n))) << n;
    EXPECT_LE(Utf8Prefix(text, n).size(), n);
    EXPECT_LE(Utf8Suffix(text, n).size(), n);
  }
}

TEST(MakeSafeTest, TakesOutWhatCouldMoveACursorOrHideText) {
  const struct {
    std::string in;
    std::string out;
    std::size_t removed;
  } cases[] = {
      {"plain\ttext\n", "plain\ttext\n", 0},
      {"\x1b[31mred\x1b[0m", "red", 2},
      {"\x1b]52;c;ZXZpbA==\x07"
       "after",
       "after", 1},
      {"\x1b]0;title\x1b\\after", "after", 1},
      {"\x1b]no end\nkept", "no end\nkept", 1},
      {"a\x1b"
       "7b",
       "ab", 1},
      {"\x9b"
       "31m",
       "\uFFFD31m", 1},  // a lone C1 byte is no UTF-8
      {"\xC2\x9b"
       "31m",
       "31m", 1},  // C1 CSI as a code point
      {"a\u202Eb\u2066c\u200Bd", "abcd", 3},
      {"tag\U000E0041\U000E007F", "tag", 2},
      {"\uFEFFx", "x", 1},
      {"one\r\ntwo\rthree", "one\ntwo\nthree", 0},
      {"bell\a del\x7f nul" + std::string(1, '\0'), "bell del nul", 3},
      {"\x1b", "", 1},
  };
  for (const auto& c : cases) {
    const SafeText safe = MakeSafe(c.in);
    EXPECT_EQ(safe.text, c.out);
    EXPECT_EQ(safe.removed, c.removed) << c.out;
    EXPECT_EQ(MakeSafe(safe.text).text, safe.text) << "idempotent";
  }
}

TEST(OneLineTest, FoldsAndCuts) {
  EXPECT_EQ(OneLine("a\nb\tc"), "a b c");
  EXPECT_EQ(OneLine("漢漢漢漢漢漢", 10), "漢漢…");
}

TEST(NearestTest, FindsTheWordThatWasMeantAndNothingElse) {
  const std::vector<std::string> words{"prompt", "policy", "provider"};
  EXPECT_EQ(Nearest("promt", words), "prompt");
  EXPECT_EQ(Nearest("polcy", words), "policy");
  EXPECT_EQ(Nearest("zebra", words), std::nullopt);
}

TEST(NumberTest, OnlyWholeStringsCount) {
  EXPECT_EQ(ParseInt("42"), 42);
  EXPECT_EQ(ParseInt("-1"), -1);
  for (const char* bad : {"", " 1", "1 ", "0x1", "1.0", "99999999999999999999"})
    EXPECT_EQ(ParseInt(bad), std::nullopt) << bad;
  EXPECT_EQ(ParseDouble("1.5"), 1.5);
  EXPECT_EQ(ParseBool(" Yes "), true);
  EXPECT_EQ(ParseBool("off"), false);
  EXPECT_EQ(ParseBool("maybe"), std::nullopt);
}

TEST(SplitTest, KeepsEmptyParts) { EXPECT_EQ(Split("a,,b,", ',').size(), 4U); }

}  // namespace
}  // namespace rune
