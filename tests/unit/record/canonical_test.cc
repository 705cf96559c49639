#include "agent/record/canonical.h"

#include <gtest/gtest.h>

#include "agent/record/ref.h"

namespace rune::agent {
namespace {

TEST(CanonicalText, LeavesAnOrdinaryLineAlone) { EXPECT_EQ(CanonicalText("It is 4."), "It is 4."); }

TEST(CanonicalText, ForgetsLineEndsTrailingBlanksAndOuterBlankLines) {
  EXPECT_EQ(CanonicalText("\r\n \n  a \t\r\n\rb\r\n\n \n"), "  a\n\nb");
}

TEST(CanonicalText, ReplacesMalformedBytes) { EXPECT_EQ(CanonicalText("a\xFF"), "a\xEF\xBF\xBD"); }

TEST(CanonicalText, OfNothingButBlanksIsEmpty) { EXPECT_EQ(CanonicalText(" \n\t\r\n"), ""); }

TEST(CanonicalText, IsIdempotent) {
  const std::string once = CanonicalText("x \r\n\r\n y\t\n\n");
  EXPECT_EQ(CanonicalText(once), once);
}

TEST(CanonicalText, KeepsBlankLinesBetweenLinesAndBlanksBeforeText) {
  EXPECT_EQ(CanonicalText("\n\n a\n\n\n b \v\f\nc\r"), " a\n\n\n b\nc");
  EXPECT_EQ(CanonicalText("a\r\rb\r\n\rc"), "a\n\nb\n\nc") << "CR alone, and CR LF, are one line end each";
}

TEST(CanonicalRules, AreFoundByTheirNames) {
  for (const CanonicalRule rule : {CanonicalRule::kNone, CanonicalRule::kText, CanonicalRule::kJson})
    EXPECT_EQ(ParseCanonicalRule(CanonicalRuleName(rule)), rule);
  EXPECT_EQ(CanonicalRuleName(CanonicalRule::kNone), "none");
  EXPECT_EQ(CanonicalRuleName(CanonicalRule::kText), "text");
  EXPECT_EQ(CanonicalRuleName(CanonicalRule::kJson), "json");
  EXPECT_EQ(ParseCanonicalRule("yaml"), std::nullopt);
}

TEST(Canonicalize, OfJsonForgetsItsSpelling) {
  const CanonicalForm form{CanonicalRule::kJson, {}};
  EXPECT_EQ(*Canonicalize("{ \"b\": 1.0, \"a\": \"\\u0041\" }", form), R"({"a":"A","b":1})");
}

TEST(Canonicalize, WithPointersTakesTheChosenMembersInTheirOrder) {
  const CanonicalForm form{CanonicalRule::kJson, {"/verdict", "/list/1", "/absent", "/a~1b"}};
  EXPECT_EQ(*Canonicalize(R"({"list":[1,2],"verdict":"ok","a/b":true,"note":"x"})", form), R"(["ok",2,null,true])");
}

TEST(Canonicalize, ReadsPointersAsRfc6901Does) {
  const char* const answer = R"({"m~n":1,"a/b":2,"~1":3,"t~":4,"~2":5,"":6,"end/":9,"list":[7,8],"text":"x"})";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"/m~0n", "1"},      {"/a~1b", "2"},      {"/~01", "3"},       {"/t~", "4"},        {"/~2", "5"},
      {"/", "6"},          {"/list/0", "7"},    {"/list/1", "8"},    {"/list/2", "null"}, {"/list/-1", "null"},
      {"/list/-", "null"}, {"/list/x", "null"}, {"/text/x", "null"}, {"/list", "[7,8]"},  {"/none/x", "null"}};
  for (const auto& [pointer, value] : cases)
    EXPECT_EQ(*Canonicalize(answer, {CanonicalRule::kJson, {pointer}}), "[" + value + "]") << pointer;
  EXPECT_EQ(*Canonicalize(answer, {CanonicalRule::kJson, {"/end~1", "/~01", "/~2"}}), "[9,3,5]");
  EXPECT_EQ(*Canonicalize("[1, 2]", {CanonicalRule::kJson, {""}}), "[[1,2]]") << "the empty one is the whole answer";
}

TEST(Canonicalize, RefusesJsonRuleOnProse) {
  EXPECT_FALSE(Canonicalize("no json here", {CanonicalRule::kJson, {}}).ok());
}

TEST(Canonicalize, WithRuleNoneKeepsTheBytes) {
  EXPECT_EQ(*Canonicalize("a \r\n", {CanonicalRule::kNone, {}}), "a \r\n");
}

TEST(Ref, IsTheSha256OfTheCanonicalBytes) {
  // printf abc | sha256sum
  EXPECT_EQ(*RefOf("abc \n", {}), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Ref, IsRecognisedOnlyInFull) {
  EXPECT_TRUE(IsRef("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT_FALSE(IsRef("sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT_FALSE(IsRef("sha256:ba78"));
  EXPECT_FALSE(IsRef("latest"));
}

}  // namespace
}  // namespace rune::agent
