#include "agent/config/toml.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

std::string ErrorOf(std::string_view text) {
  const auto entries = ParseToml(text, "f.toml");
  return entries.ok() ? "" : entries.error().message;
}

TEST(Toml, TakesLettersBeyondAsciiInQuotesAndCommentsOnly) {
  EXPECT_TRUE(ParseToml("# gr\xC3\xBC\xC3\x9F\nmodel = \"\xCB\x8F\"\n'\xCB\x8F' = 1\n", "f.toml").ok());
  for (const char* text : {"\xCB\x8F", "a = 1\n\xC3\xBC = 2\n", "a = \xCB\x8F"}) {
    const auto parsed = ParseToml(text, "f.toml");
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find("beyond ASCII"), std::string::npos) << parsed.error().message;
  }
}

TEST(Toml, IsFlattenedInTheOrderOfTheText) {
  const auto entries =
      ParseToml("model = \"m\"\ntrace = true\n[policy]\nmax_pids = 3\nallowed_commands = [\"ls\"]\n", "f.toml");
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 5u);
  EXPECT_EQ((*entries)[0].key, "model");
  EXPECT_EQ((*entries)[0].place, "f.toml:1:1");
  EXPECT_EQ((*entries)[1].value, Value(true));
  EXPECT_EQ((*entries)[2].key, "policy");
  EXPECT_EQ((*entries)[2].type, "table");
  EXPECT_EQ((*entries)[3].key, "policy.max_pids");
  EXPECT_EQ((*entries)[3].value, Value(std::int64_t{3}));
  EXPECT_EQ((*entries)[4].value, Value(std::vector<std::string>{"ls"}));
  EXPECT_EQ((*entries)[4].place, "f.toml:5:1");
}

TEST(Toml, NamesWhatNoSettingCanBe) {
  const auto entries = ParseToml("a = 2026-11-24\nb = [1, \"x\"]\nc = { d = 1.5 }\n", "f.toml");
  ASSERT_TRUE(entries.ok());
  EXPECT_EQ((*entries)[0].type, "date");
  EXPECT_FALSE((*entries)[0].value);
  EXPECT_EQ((*entries)[1].type, "list that is not one of strings");
  EXPECT_FALSE((*entries)[1].value);
  EXPECT_EQ((*entries)[3].key, "c.d");
  EXPECT_EQ((*entries)[3].value, Value(1.5));
}

TEST(Toml, ErrorsNameFileLineAndColumn) {
  for (const char* text : {"a = ", "a = \"x", "a = 1\na = 2", "[t", "a b", "a = \xff", "a = 0x", "= 1", "a = [1,",
                           "a = tru", "[=x]", "[[^", "[é]", "[\x19]", "["}) {
    EXPECT_EQ(ErrorOf(text).rfind("f.toml:", 0), 0u) << text << ": " << ErrorOf(text);
  }
  EXPECT_EQ(ErrorOf("model = \"m\"\ntrace = maybe\n").rfind("f.toml:2:", 0), 0u);
}

TEST(Toml, SurvivesDeepNesting) {
  EXPECT_NE(ErrorOf("a = " + std::string(200'000, '[')), "");
  std::string dotted = "a";
  for (int i = 0; i < 200'000; ++i) dotted += ".a";
  const std::string hidden = "\n" + dotted + " = 1";
  for (const std::string& text :
       {dotted + " = 1", "[" + dotted + "]", "a = {" + dotted + " = 1}",
        "a = {x = \"\"\"y\"\"\"\", " + dotted + " = 1}", "a = {x = \"\", " + dotted + " = 1}", "a = 'x\\'" + hidden,
        "a = \"x\\\"\"" + hidden, "# \"" + hidden, "a = \'\'\'x\'\'\'\'\'" + hidden}) {
    EXPECT_NE(ErrorOf(text).find("too many dots"), std::string::npos) << text.substr(0, 40);
  }
}

TEST(Toml, TakesDotsInTextForText) {
  const std::string dots = "e. g. a.b.c.d.e.f.g.h.i.j.k .................";
  for (const std::string& text :
       {"a = \"" + dots + "\"", "a = '" + dots + "'", "a = \"\"\"\n" + dots + "\n\"\"\"", "# " + dots,
        "a = ['" + dots + "', 'x']", std::string("a = 1.5\nb = 1.5\nc = 1979-05-27T00:32:00.999Z")}) {
    EXPECT_EQ(ErrorOf(text), "") << text;
  }
}

}  // namespace
}  // namespace rune::agent
