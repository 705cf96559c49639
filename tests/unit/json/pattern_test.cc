#include "agent/json/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace rune::json {
namespace {

using testing::HasSubstr;

enum class Grammar { kEcma, kPosix };

struct Case {
  Grammar grammar;
  const char* pattern;
  const char* matches;
  const char* does_not;
};

Result<Pattern> Compile(Grammar grammar, std::string_view pattern) {
  return grammar == Grammar::kEcma ? Pattern::Ecma(pattern) : Pattern::Posix(pattern);
}

TEST(PatternTest, MeansWhatItsGrammarSays) {
  const Case cases[] = {
      {Grammar::kEcma, "b", "abc", "ac"},
      {Grammar::kEcma, "^[a-z]+-\\d{2}$", "ab-12", "ab-1"},
      {Grammar::kEcma, "^.$", "😀", "a\nb"},
      {Grammar::kEcma, "^a.b$", "axb", "a\u2028b"},
      {Grammar::kEcma, "a$", "ba", "a\n"},
      {Grammar::kEcma, "^\\u0041\\u{1F600}$", "A😀", "A"},
      {Grammar::kEcma, "^\\uD83D\\uDE00$", "😀", "x"},
      {Grammar::kEcma, "^\\s$", "\u00a0", "x"},
      {Grammar::kEcma, "^[\\s]$", "\v", "x"},
      {Grammar::kEcma, "^\\S$", "x", "\ufeff"},
      {Grammar::kEcma, "^\\cA$", "\x01", "A"},
      {Grammar::kEcma, "^[^]$", "\n", ""},
      {Grammar::kEcma, "[[]", "[", "]"},
      {Grammar::kEcma, "^[[:alpha]+$", "[:ph", "b"},
      {Grammar::kEcma, "^[\\b]$", "\b", "b"},
      {Grammar::kEcma, "\\bx\\b", "a x b", "axb"},
      {Grammar::kEcma, "^\\p{Letter}+$", "πa", "1"},
      {Grammar::kEcma, "^\\p{Script=Greek}$", "π", "a"},
      {Grammar::kEcma, "^\\P{L}$", "1", "a"},
      {Grammar::kEcma, "^(?<year>\\d{4})-(?:0|1)", "2026-1", "26-1"},
      {Grammar::kEcma, "^\\/\\-\\.$", "/-.", "a"},
      {Grammar::kPosix, "^b$", "a\nb\nc", "abc"},
      {Grammar::kPosix, "a.c", "abc", "a\nc"},
      {Grammar::kPosix, "^[[:digit:]]{,2}$", "12", "123"},
      {Grammar::kPosix, "^[\\d]$", "\\", "1"},
      {Grammar::kPosix, "^[]x]$", "]", "a"},
      {Grammar::kPosix, "^[^]x]$", "a", "]"},
      {Grammar::kPosix, "\\<on\\>", "go on", "gone"},
      {Grammar::kPosix, "(?i)FAIL|no", "we fail", "fine"},
      {Grammar::kPosix, "a|ab", "xab", "b"},
  };
  for (const Case& c : cases) {
    const auto pattern = Compile(c.grammar, c.pattern);
    ASSERT_TRUE(pattern.ok()) << c.pattern << ": " << pattern.error().message;
    EXPECT_TRUE(pattern->Matches(c.matches)) << c.pattern << " on " << c.matches;
    EXPECT_FALSE(pattern->Matches(c.does_not)) << c.pattern << " on " << c.does_not;
  }
}

TEST(PatternTest, WhatNoLinearMatcherCanDoIsRefusedByName) {
  const struct {
    Grammar grammar;
    const char* pattern;
    const char* why;
  } cases[] = {
      {Grammar::kEcma, "(a)\\1", "a back reference is not supported"},
      {Grammar::kEcma, "(?<x>a)\\k<x>", "a back reference is not supported"},
      {Grammar::kEcma, "a(?=b)", "look-ahead is not supported"},
      {Grammar::kEcma, "a(?!b)", "look-ahead is not supported"},
      {Grammar::kEcma, "(?<=a)b", "look-behind is not supported"},
      {Grammar::kEcma, "(?<!a)b", "look-behind is not supported"},
      {Grammar::kPosix, "(a)\\1", "a back reference is not supported"},
      {Grammar::kPosix, "a(?=b)", "look-ahead is not supported"},
      {Grammar::kEcma, "[", "missing ]"},
      {Grammar::kEcma, "(", "missing )"},
      {Grammar::kPosix, "a{1001}", "repetition"},
      {Grammar::kEcma, "\\u12", "hexadecimal"},
  };
  for (const auto& c : cases) {
    const auto pattern = Compile(c.grammar, c.pattern);
    ASSERT_FALSE(pattern.ok()) << c.pattern;
    EXPECT_EQ(pattern.error().kind, ErrorKind::kInvalidInput);
    EXPECT_THAT(pattern.error().message, HasSubstr(c.why)) << c.pattern;
  }
}

TEST(PatternTest, TakesLinearTimeAndLongTexts) {
  const auto pattern = Pattern::Ecma("^(a+)+$");
  ASSERT_TRUE(pattern.ok());
  EXPECT_FALSE(pattern->Matches(std::string(1 << 20, 'a') + "b"));
  EXPECT_TRUE(pattern->Matches(std::string(1 << 20, 'a')));
}

TEST(PatternTest, RefusesWhatWouldTakeTooMuchMemory) {
  EXPECT_FALSE(Pattern::Ecma(std::string(Pattern::kMaxPattern + 1, 'a')).ok());
  EXPECT_FALSE(Pattern::Ecma("((a{200}){200}){200}").ok());
}

}  // namespace
}  // namespace rune::json
