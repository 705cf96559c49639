#include "agent/json/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <random>

#include "agent/json/pointer.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/text.h"

namespace rune::json {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

Document Parsed(std::string_view text, std::string root = "") {
  auto document = Document::Parse(text, std::move(root));
  EXPECT_TRUE(document.ok()) << (document.ok() ? "" : document.error().message);
  if (!document.ok()) return std::move(Document::Parse("null")).value();
  return std::move(document).value();
}

std::string ErrorOf(std::string_view text, std::string root = "", ParseOptions options = {}) {
  const auto document = Document::Parse(text, std::move(root), options);
  return document.ok() ? "" : document.error().message;
}

TEST(JsonParse, RefusesWhatRfc8259Refuses) {
  for (const char* text :
       {"",    " ",     "{",         "[1,]",     "{\"a\":1,}", "{a:1}",   "'a'",      "01",      "1.",
        ".5",  "+1",    "NaN",       "Infinity", "// x\n1",    "1 2",     "\"a\nb\"", "\"\\x\"", "\"\\u12\"",
        "tru", "[1 2]", "{\"a\" 1}", "{1:2}",    "\"a",        "\\ud800", "]"}) {
    EXPECT_FALSE(Document::Parse(text).ok()) << text;
  }
}

TEST(JsonParse, AcceptsWhatRfc8259Accepts) {
  for (const char* text :
       {"null", " true ", "\"\"", "0", "-0", "1e5", "1E-5", "[]", "{}", "[[],{}]", "\"\\/\"", "\xEF\xBB\xBF{}"}) {
    EXPECT_EQ(ErrorOf(text), "") << text;
  }
}

TEST(JsonParse, NamesTheRootAndTheByteOfAnError) {
  EXPECT_EQ(ErrorOf("{\"source\":{\"a\":tru}}", "stdin"), "stdin: invalid value at byte 18");
  EXPECT_THAT(ErrorOf("\xEF\xBB\xBF[1,]"), HasSubstr("at byte 6"));
}

TEST(JsonParse, StopsTwoHundredThousandBracketsCleanly) {
  for (const std::string& text : {std::string(200'000, '['), std::string(200'000, '[') + std::string(200'000, ']')}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("nested deeper than 128 levels at byte 128"));
  }
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(ErrorOf(objects), HasSubstr("nested deeper"));
}

TEST(JsonParse, AllowsExactlyTheDepthAskedFor) {
  const std::string text = std::string(128, '[') + std::string(128, ']');
  EXPECT_EQ(Parsed(text).root().Dump(), text);
  EXPECT_NE(ErrorOf("[" + text + "]"), "");
  EXPECT_EQ(ErrorOf("[[1]]", "", {.max_depth = 2}), "");
  EXPECT_NE(ErrorOf("[[1]]", "", {.max_depth = 1}), "");
}

TEST(JsonParse, CapsTheSize) {
  EXPECT_EQ(ErrorOf("[1,2,3]", "reply", {.max_bytes = 6}), "reply: more than 6 bytes, at byte 6");
  EXPECT_EQ(ErrorOf("[1,2,3]", "reply", {.max_bytes = 7}), "");
}

TEST(JsonParse, RefusesDuplicateKeysOnlyWhenAsked) {
  EXPECT_EQ(ErrorOf(R"({"cmd":"ls","cmd":"rm"})"), "");
  EXPECT_THAT(ErrorOf(R"({"cmd":"ls","cmd":"rm"})", "", {.unique_keys = true}), HasSubstr("duplicate key 'cmd'"));
  EXPECT_THAT(ErrorOf(R"({"a":{"x":1},"b":[{"x":1,"\u0078":2}]})", "", {.unique_keys = true}), HasSubstr("'x'"));
  EXPECT_EQ(ErrorOf(R"({"a":{"x":1},"b":{"x":1},"x":[{"x":1},{"x":2}]})", "", {.unique_keys = true}), "");
}

TEST(JsonParse, RefusesMalformedUtf8) {
  for (const char* text : {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "\"\xe2\x82\""}) {
    EXPECT_NE(ErrorOf(text), "") << HexEncode(text);
  }
  EXPECT_EQ(ErrorOf("\"\xe2\x82\xac\""), "");
}

TEST(JsonParse, ReplacesLoneSurrogateEscapesAndKeepsPairs) {
  const struct {
    const char* text;
    const char* value;
  } cases[] = {
      {R"("\ud83d\ude00")", "😀"},
      {R"("\ud83d")", "\uFFFD"},
      {R"("\ude00")", "\uFFFD"},
      {R"("\ud83d\ud83d\ude00")", "\uFFFD😀"},
      {R"("\ude00\ud83d")", "\uFFFD\uFFFD"},
      {R"("\ud83dx")", "\uFFFDx"},
      {R"("\\ud83d")", "\\ud83d"},
      {R"("\\\ud83d")", "\\\uFFFD"},
      {R"("\uD83D\n")", "\uFFFD\n"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Parsed(c.text).root().string(), Optional(std::string_view(c.value))) << c.text;
  }
}

TEST(JsonParse, TakesNothingAfterTheValueNotEvenBehindANul) {
  EXPECT_NE(ErrorOf(std::string_view("{}\0{}", 5)), "");
  EXPECT_NE(ErrorOf(std::string_view("{}\0", 3)), "");
  EXPECT_NE(ErrorOf(std::string_view("\"a\0b\"", 5)), "");
  EXPECT_EQ(Parsed("\"a\\u0000b\"").root().string(), std::string_view("a\0b", 3));
}

TEST(JsonView, TheTextOfWhatIsNoStringIsEmpty) {
  const Document document = Parsed(R"({"s":"a","n":1,"z":null})");
  EXPECT_EQ(document.root()["s"].Text(), "a");
  for (const char* other : {"n", "z", "missing"}) EXPECT_EQ(document.root()[other].Text(), "") << other;
  EXPECT_EQ(View().Text(), "");
}

TEST(JsonParse, HandlesNumbersAtTheEdges) {
  EXPECT_EQ(Parsed("9223372036854775807").root().integer(), INT64_MAX);
  EXPECT_EQ(Parsed("-9223372036854775808").root().integer(), INT64_MIN);
  EXPECT_EQ(Parsed("9223372036854775808").root().integer(), std::nullopt);
  EXPECT_EQ(Parsed("9223372036854775808").root().Dump(), "9223372036854775808");
  EXPECT_EQ(Parsed("18446744073709551615").root().Dump(), "18446744073709551615");
  EXPECT_EQ(Parsed("18446744073709551616").root().Dump(), "18446744073709552000");
  EXPECT_EQ(Parsed("3.0").root().integer(), 3);
  EXPECT_EQ(Parsed("3.5").root().integer(), std::nullopt);
  EXPECT_EQ(Parsed("-0").root().integer(), 0);
  EXPECT_EQ(Parsed("-0.0").root().Dump(), "0");
  EXPECT_EQ(Parsed("1e18").root().integer(), 1'000'000'000'000'000'000);
  EXPECT_EQ(Parsed("1e300").root().integer(), std::nullopt);
  EXPECT_THAT(ErrorOf("1e400", "stdin"), HasSubstr("stdin: number too big"));
  EXPECT_EQ(Parsed("1e-400").root().number(), 0.0);
  EXPECT_EQ(Parsed("0.30000000000000004").root().Dump(), "0.30000000000000004");
}

TEST(JsonView, FindsMembersAndElements) {
  const Document document = Parsed(R"({"policy":{"commands":["ls","cat"],"":1},"n":null})", "source");
  const View root = document.root();
  EXPECT_THAT(root["policy"]["commands"][1].string(), Optional(std::string_view("cat")));
  EXPECT_EQ(root["policy"]["commands"].size(), 2u);
  EXPECT_EQ(root["policy"][""].integer(), 1);
  EXPECT_THAT(root.keys(), ElementsAre("policy", "n"));
  EXPECT_TRUE(root["n"].exists());
  EXPECT_TRUE(root["n"].is_null());
}

TEST(JsonView, KeepsThePathOfPlacesThatAreMissing) {
  const Document document = Parsed(R"({"policy":{"commands":["ls"]}})", "source");
  const View missing = document.root()["policy"]["commands"][3]["x"];
  EXPECT_FALSE(missing.exists());
  EXPECT_TRUE(missing.is_null());
  EXPECT_EQ(missing.path(), "source.policy.commands[3].x");
  EXPECT_EQ(missing.AsString().error().message, "source.policy.commands[3].x: expected string, found nothing");
  EXPECT_EQ(View()["a"][0].size(), 0u);
  EXPECT_EQ(View().Dump(), "null");
  EXPECT_FALSE(document.root()["pol\x1b[31micy"].exists());
  EXPECT_THAT(document.root()["a\x1b[31mb"].path(), ::testing::Not(HasSubstr("\x1b")));
}

TEST(JsonView, KnowsThePathOfEveryValue) {
  const Document document = Parsed(R"({"a":{"":[[],{"b c":1}]},"a\u001b":{"x":null},"a2":[{"x":[7]}]})", "answer");
  const View root = document.root();
  EXPECT_EQ(root.path(), "answer");
  EXPECT_EQ(root["a2"][0]["x"][0].path(), "answer.a2[0].x[0]");
  EXPECT_EQ(root["a"][""][0].path(), "answer.a.[0]");
  EXPECT_EQ(root["a"][""][1]["b c"]["z"].path(), "answer.a.[1].b c.z");
  EXPECT_THAT(root["a\x1b"]["x"].path(), ::testing::AllOf(::testing::StartsWith("answer.a"), ::testing::EndsWith(".x"),
                                                          ::testing::Not(HasSubstr("\x1b"))));
  EXPECT_EQ(Parsed(R"({"a":[1]})").root()["a"][0].path(), "a[0]") << "without a name for the whole";
  EXPECT_EQ(Parsed("[1]").root()[7]["x"].path(), "[7].x");
  EXPECT_EQ(View()["a"][0].path(), "a[0]");
}

// Looked for in the whole document each, they are minutes.
TEST(JsonView, ManyPathsOfALargeDocumentAreCheap) {
  std::string text = "[0";
  for (int i = 1; i < 200'000; ++i) text += ",0";
  const Document document = Parsed(text + "]");
  const std::clock_t begin = std::clock();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < 200'000; ++i) bytes += document.root()[i].path().size();
  EXPECT_EQ(bytes, 1'488'890u);
  EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC);
}

TEST(JsonView, ChecksTypesWithThePath) {
  const Document document = Parsed(R"({"a":["x",2],"b":true,"f":1.5,"s":"t"})", "source");
  const View root = document.root();
  EXPECT_EQ(root["a"].AsStrings().error().message, "source.a[1]: expected string, found number");
  EXPECT_EQ(root["s"].AsStrings().error().message, "source.s: expected array of strings, found string");
  EXPECT_EQ(root["b"].AsString().error().message, "source.b: expected string, found boolean");
  EXPECT_EQ(root["f"].AsInt().error().message, "source.f: expected integer, found 1.5");
  EXPECT_EQ(root["s"].AsBool().error().message, "source.s: expected boolean, found string");
  EXPECT_EQ(root.AsDouble().error().message, "source: expected number, found object");
  EXPECT_EQ(root["a"].AsStrings().error().kind, ErrorKind::kInvalidInput);
  EXPECT_TRUE(root["b"].AsBool().value());
  EXPECT_EQ(root["f"].AsDouble().value(), 1.5);
}

TEST(JsonView, SurvivesMovingTheDocument) {
  Document first = Parsed(R"({"a":"b"})");
  const View view = first.root()["a"];
  const Document second = std::move(first);
  EXPECT_EQ(view.string(), "b");
  EXPECT_EQ(second.root()["a"].string(), "b");
}

TEST(JsonKeys, RefusesAnUnknownKeyWithTheNearest) {
  const Document document = Parsed(R"({"promt":"x"})", "source");
  EXPECT_EQ(CheckKeys(document.root(), {"model", "prompt"}).error().message,
            "source: unknown key 'promt' (did you mean 'prompt'?)");
  EXPECT_EQ(CheckKeys(document.root(), {"zzzzzzzzz"}).error().message, "source: unknown key 'promt'");
  EXPECT_TRUE(CheckKeys(document.root(), {"promt"}).ok());
  EXPECT_TRUE(CheckKeys(document.root()["missing"], {}).ok());
  EXPECT_EQ(CheckKeys(document.root()["promt"], {}).error().message, "source.promt: expected object, found string");
}

/// Any document, from a seed.
void WriteRandom(std::mt19937& random, int depth, Writer& out) {
  const auto pick = [&](unsigned n) { return random() % n; };
  const auto text = [&] {
    constexpr std::string_view kPieces[] = {"a", "\"", "\\", "\n", "é", "€", "😀", "\x01", "/", "\uE000", "\u2028"};
    std::string out_text;
    for (auto i = pick(5); i > 0; --i) out_text += kPieces[pick(std::size(kPieces))];
    return out_text;
  };
  switch (pick(depth > 0 ? 8 : 6)) {
    case 0:
      out.Null();
      return;
    case 1:
      out.Bool(pick(2) == 0);
      return;
    case 2:
      out.Int(static_cast<std::int64_t>(random()) << pick(32));
      return;
    case 3:
      out.Double(std::ldexp(static_cast<double>(random()), static_cast<int>(pick(2000)) - 1000));
      return;
    case 4:
      out.Uint(UINT64_MAX - random());
      return;
    case 5:
      out.String(text());
      return;
    case 6:
      out.BeginArray();
      for (auto i = pick(5); i > 0; --i) WriteRandom(random, depth - 1, out);
      out.EndArray();
      return;
    default:
      out.BeginObject();
      for (auto i = pick(5); i > 0; --i) {
        out.Key(text() + std::to_string(i));
        WriteRandom(random, depth - 1, out);
      }
      out.EndObject();
  }
}

TEST(JsonProperty, WhatIsWrittenReadsBackTheSame) {
  std::mt19937 random(20261124);
  for (int i = 0; i < 3000; ++i) {
    Writer writer;
    WriteRandom(random, 6, writer);
    const std::string text = writer.Take();
    const Document document = Parsed(text);
    ASSERT_EQ(document.root().Dump(), text);
    ASSERT_EQ(Parsed(document.root().DumpPretty()).root().Dump(), text);
    const std::string canonical = document.root().DumpCanonical();
    ASSERT_EQ(Parsed(canonical).root().DumpCanonical(), canonical);
  }
}

TEST(JsonProperty, NoPrefixOfADocumentIsADocument) {
  const std::string text = R"({"a":[1,-2.5e3,"x\u20ac"],"b":{"c":null,"d":true}})";
  EXPECT_EQ(ErrorOf(text), "");
  for (std::size_t i = 0; i < text.size(); ++i) EXPECT_NE(ErrorOf(text.substr(0, i)), "") << i;
}

TEST(JsonProperty, AnyByteMayBeFlippedWithoutACrash) {
  const std::string text = R"({"a":[1,-2.5e3,"x\ud83d\ude00"],"b":{"c":null,"d":true}})";
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string broken = text;
    for (auto n = random() % 3 + 1; n > 0; --n) broken[random() % broken.size()] = static_cast<char>(random());
    const auto document = Document::Parse(broken);
    if (!document.ok()) continue;
    ASSERT_TRUE(IsValidUtf8(document->root().Dump()));
  }
}

TEST(CheckPointer, WantsALeadingSlash) {
  EXPECT_TRUE(CheckPointer("").ok());
  EXPECT_TRUE(CheckPointer("/a/0").ok());
  EXPECT_FALSE(CheckPointer("verdict").ok());
}

}  // namespace
}  // namespace rune::json
