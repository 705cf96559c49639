#include "sandbox/base/quoted.h"

#include <gtest/gtest.h>

namespace rune {
namespace {

TEST(QuotedTest, EscapesWhatTheStandardsAskForAndNothingElse) {
  const struct {
    std::string text;
    std::string json;
  } cases[] = {{"", R"("")"},
               {"plain", R"("plain")"},
               {R"(a "b" \c)", R"("a \"b\" \\c")"},
               {"\b\t\n\f\r", R"("\b\t\n\f\r")"},
               {std::string(1, '\0'), R"("\u0000")"},
               {"\x1b[1m", R"("\u001b[1m")"},
               {"\x1f", R"("\u001f")"},
               {"a/b", R"("a/b")"},
               {"é…", "\"é…\""}};
  for (const auto& c : cases) {
    EXPECT_EQ(QuoteJson(c.text), c.json);
    EXPECT_EQ(QuoteToml(c.text), c.json) << "and a TOML basic string reads the same";
  }
}

TEST(QuotedTest, OnlyTomlEscapesDelete) {
  EXPECT_EQ(QuoteJson("a\x7f"), "\"a\x7f\"");
  EXPECT_EQ(QuoteToml("\x7f"
                      "a\x7f"),
            R"("\u007fa\u007f")");
}

TEST(QuotedTest, AppendsToWhatIsThere) {
  std::string out = "[";
  AppendJsonQuoted(out, "a\nb");
  EXPECT_EQ(out, R"(["a\nb")");
}

}  // namespace
}  // namespace rune
