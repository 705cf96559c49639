#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "agent/json/json.h"
#include "agent/json/number.h"

namespace rune::json {
namespace {

std::string Canonical(std::string_view text) {
  const auto document = Document::Parse(text);
  return document.ok() ? document->root().DumpCanonical() : document.error().message;
}

TEST(Writer, WritesCompactText) {
  Writer out;
  out.BeginObject()
      .Member("a", "x")
      .Member("b", true)
      .Member("n", 3)
      .Key("l")
      .BeginArray()
      .Null()
      .Double(0.5)
      .EndArray();
  out.Key("r").Raw("{\"k\":[]}").Key("e").BeginObject().EndObject().EndObject();
  EXPECT_EQ(out.Take(), R"({"a":"x","b":true,"n":3,"l":[null,0.5],"r":{"k":[]},"e":{}})");
}

TEST(Writer, WritesPrettyText) {
  Writer out(Writer::Style::kPretty);
  out.BeginObject().Key("a").BeginArray().Int(1).Int(2).EndArray().Key("e").BeginArray().EndArray().EndObject();
  EXPECT_EQ(out.Take(), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"e\": []\n}");
}

TEST(Writer, EscapesAndScrubsStrings) {
  const auto quoted = [](std::string_view text) { return Writer().String(text).Take(); };
  EXPECT_EQ(quoted("\"\\/\b\f\n\r\t\x01\x1f\x7f"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
  EXPECT_EQ(quoted(std::string_view("a\0b", 3)), "\"a\\u0000b\"");
  EXPECT_EQ(quoted("a\xff"
                   "b\xed\xa0\x80"),
            "\"a\uFFFDb\uFFFD\uFFFD\uFFFD\"");
  EXPECT_EQ(quoted("é😀"), "\"é😀\"");
}

TEST(Writer, TurnsWhatIsNotANumberIntoNull) {
  Writer out;
  out.BeginArray().Double(std::nan("")).Double(std::numeric_limits<double>::infinity()).Double(-0.0).EndArray();
  EXPECT_EQ(out.Take(), "[null,null,0]");
}

TEST(WriterDeathTest, AbortsOnMisuse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(Writer().Take(), "");
  EXPECT_DEATH(Writer().BeginObject().Null(), "");
  EXPECT_DEATH(Writer().BeginArray().Key("a"), "");
  EXPECT_DEATH(Writer().BeginArray().EndObject(), "");
  EXPECT_DEATH(Writer().BeginObject().Key("a").EndObject(), "");
  EXPECT_DEATH(Writer().Null().Null(), "");
}

TEST(Number, IsFormattedAsEcmaScriptDoes) {
  // RFC 8785, appendix B: the bits of a double and its text.
  const struct {
    std::uint64_t bits;
    const char* text;
  } cases[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& c : cases) {
    double value = 0;
    std::memcpy(&value, &c.bits, sizeof value);
    EXPECT_EQ(FormatNumber(value), c.text);
  }
}

TEST(Number, ReadsBackAsItself) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    const std::string text = FormatNumber(value);
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
    const auto document = Document::Parse(text);
    ASSERT_TRUE(document.ok()) << text;
    ASSERT_EQ(document->root().number(), value) << text;
  }
}

TEST(Canonical, IsTheExampleOfRfc8785) {
  EXPECT_EQ(Canonical(R"({
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  })"),
            R"({"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],)"
            "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

TEST(Canonical, SortsMembersByUtf16CodeUnits) {
  // RFC 8785, section 3.2.3.
  EXPECT_EQ(Canonical(R"({"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7})"),
            "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\uFB33\":3}");
  EXPECT_EQ(Canonical(R"({"ab":1,"a":2,"":3,"b":4})"), R"({"":3,"a":2,"ab":1,"b":4})");
  EXPECT_EQ(Canonical("{\"\U00010000\":1,\"\uD7FF\":2,\"\uE000\":3,\"\uEFFF\":4,\"\uF000\":5,\"\U0010FFFF\":6}"),
            "{\"\uD7FF\":2,\"\U00010000\":1,\"\U0010FFFF\":6,\"\uE000\":3,\"\uEFFF\":4,\"\uF000\":5}");
}

TEST(Canonical, MakesEqualNumbersEqualTexts) {
  for (const char* text : {"10", "10.0", "1e1", "100e-1"}) EXPECT_EQ(Canonical(text), "10");
  EXPECT_EQ(Canonical("9007199254740993"), "9007199254740992");
}

}  // namespace
}  // namespace rune::json
