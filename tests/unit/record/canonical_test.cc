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

TEST(Canonicalize, OfJsonForgetsItsSpelling) {
  const CanonicalForm form{CanonicalRule::kJson, {}};
  EXPECT_EQ(*Canonicalize("{ \"b\": 1.0, \"a\": \"\\u0041\" }", form), R"({"a":"A","b":1})");
}

TEST(Canonicalize, WithPointersTakesTheChosenMembersInTheirOrder) {
  const CanonicalForm form{CanonicalRule::kJson, {"/verdict", "/list/1", "/absent", "/a~1b"}};
  EXPECT_EQ(*Canonicalize(R"({"list":[1,2],"verdict":"ok","a/b":true,"note":"x"})", form), R"(["ok",2,null,true])");
}

TEST(Canonicalize, RefusesJsonRuleOnProse) {
  EXPECT_FALSE(Canonicalize("no json here", {CanonicalRule::kJson, {}}).ok());
}

TEST(Canonicalize, WithRuleNoneKeepsTheBytes) {
  EXPECT_EQ(*Canonicalize("a \r\n", {CanonicalRule::kNone, {}}), "a \r\n");
}

TEST(CheckPointer, WantsALeadingSlash) {
  EXPECT_TRUE(CheckPointer("").ok());
  EXPECT_TRUE(CheckPointer("/a/0").ok());
  EXPECT_FALSE(CheckPointer("verdict").ok());
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
