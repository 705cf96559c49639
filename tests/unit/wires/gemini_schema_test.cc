#include "agent/wires/gemini_schema.h"

#include <gtest/gtest.h>

#include <string>

#include "agent/json/json.h"

namespace rune::agent {
namespace {

/// The property "p" of a schema, sanitised.
std::string Property(const std::string& schema, const std::string& beside = "") {
  const std::string text = SanitiseForGemini(R"({"type":"object","properties":{"p":)" + schema + "}" + beside + "}");
  const auto document = json::Document::Parse(text);
  return document.ok() ? document->root()["properties"]["p"].Dump() : "no JSON: " + text;
}

TEST(GeminiSchema, WhatItKnowsStays) {
  const std::string schema =
      R"({"title":"T","description":"D","type":"object","properties":{)"
      R"("a":{"type":"string","format":"date-time","enum":["x","y"]},"b":{"type":"integer","minimum":1,"maximum":9},)"
      R"("c":{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":3},"d":{"type":"null"}},)"
      R"("additionalProperties":false,"required":["a"],"propertyOrdering":["b","a"]})";
  EXPECT_EQ(SanitiseForGemini(schema), schema);
}

TEST(GeminiSchema, WhatItDoesNotKnowIsLeftOut) {
  EXPECT_EQ(
      SanitiseForGemini(R"({"$schema":"s","$id":"i","type":"object","$defs":{},"properties":{},)"
                        R"("patternProperties":{},"propertyNames":{},"not":{},"if":{},"examples":[],"default":1})"),
      R"({"type":"object","properties":{}})");
  EXPECT_EQ(Property(R"({"type":"string","format":"uri","pattern":"a","minLength":1,"nullable":true})"),
            R"({"type":"string"})");
  EXPECT_EQ(Property(R"({"type":"number","multipleOf":2})"), R"({"type":"number"})");
}

TEST(GeminiSchema, AConstIsAnEnumOfOne) {
  EXPECT_EQ(Property(R"({"const":"x"})"), R"({"enum":["x"]})");
  EXPECT_EQ(Property(R"({"type":"integer","const":3})"), R"({"type":"integer","enum":[3]})");
  EXPECT_EQ(Property(R"({"type":"boolean","const":true})"), R"({"type":"boolean"})");
}

TEST(GeminiSchema, AnEnumHoldsWordsAndNumbersOnly) {
  EXPECT_EQ(Property(R"({"enum":["a",null,1,true,{}]})"), R"({"enum":["a",1]})");
  EXPECT_EQ(Property(R"({"type":"string","enum":["a",null,1]})"), R"({"type":"string","enum":["a"]})");
  EXPECT_EQ(Property(R"({"enum":[true,null]})"), "{}");
}

TEST(GeminiSchema, ExclusiveBoundsAreBounds) {
  EXPECT_EQ(Property(R"({"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":10})"),
            R"({"type":"integer","minimum":1,"maximum":9})");
  EXPECT_EQ(Property(R"({"type":"number","exclusiveMinimum":0.5})"), R"({"type":"number","minimum":0.5})");
  EXPECT_EQ(Property(R"({"type":"integer","minimum":5,"exclusiveMinimum":0,"maximum":5,"exclusiveMaximum":3})"),
            R"({"type":"integer","minimum":5,"maximum":2})");
  EXPECT_EQ(Property(R"({"type":"number","minimum":1,"exclusiveMinimum":true})"), R"({"type":"number","minimum":1})");
}

TEST(GeminiSchema, AListOfTypesIsAChoice) {
  EXPECT_EQ(Property(R"({"description":"D","type":["string","null"],"enum":["a"]})"),
            R"({"description":"D","anyOf":[{"type":"string","enum":["a"]},{"type":"null"}]})");
  EXPECT_EQ(Property(R"({"type":["string"]})"), R"({"type":"string"})");
  EXPECT_EQ(Property(R"({"type":["array","null"],"items":{"type":"string"}})"),
            R"({"anyOf":[{"type":"array","items":{"type":"string"}},{"type":"null"}]})");
}

TEST(GeminiSchema, OneOfIsAnyOf) {
  EXPECT_EQ(Property(R"({"oneOf":[{"type":"string"},{"const":1}]})"), R"({"anyOf":[{"type":"string"},{"enum":[1]}]})");
}

TEST(GeminiSchema, ATypeThatIsNoneIsLeftOut) { EXPECT_EQ(Property(R"({"type":"any"})"), "{}"); }

TEST(GeminiSchema, ReferencesAreReplacedByWhatTheyNameAndTheWordsBesideThemStay) {
  const std::string defs =
      R"(,"$defs":{"a/b":{"type":"string","description":"theirs"}},"definitions":{"c":{"type":"null"}})";
  EXPECT_EQ(Property(R"({"$ref":"#/$defs/a~1b","description":"mine"})", defs),
            R"({"description":"mine","type":"string"})");
  EXPECT_EQ(Property(R"({"allOf":[{"$ref":"#/definitions/c"}]})", defs), R"({"type":"null"})");
  EXPECT_EQ(Property(R"({"$ref":"#/$defs/missing"})", defs), "{}");
  EXPECT_EQ(Property(R"({"$ref":"https://x.test/schema"})", defs), "{}");
}

TEST(GeminiSchema, AllOfSeveralIsLeftOut) {
  EXPECT_EQ(Property(R"({"allOf":[{"type":"string"},{"minLength":1}]})"), "{}");
}

TEST(GeminiSchema, SchemasThatReferToThemselvesEnd) {
  const std::string self = SanitiseForGemini(R"({"type":"object","properties":{"next":{"$ref":"#"}}})");
  EXPECT_LT(self.size(), 1000u);
  EXPECT_TRUE(self.starts_with(R"({"type":"object","properties":{"next":{"type":"object")"));
  EXPECT_EQ(Property(R"({"$ref":"#/properties/p"})"), "{}");
  std::string many = R"({"type":"object","properties":{)";
  for (int i = 0; i < 40; ++i) many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":{"$ref":"#"})";
  EXPECT_LT(SanitiseForGemini(many + "}}").size(), 4'000'000u);
}

TEST(GeminiSchema, OnlyWhatIsAPropertyIsRequired) {
  EXPECT_EQ(SanitiseForGemini(R"({"type":"object","properties":{"a":{}},"required":["a","b",3]})"),
            R"({"type":"object","properties":{"a":{}},"required":["a"]})");
  EXPECT_EQ(SanitiseForGemini(R"({"type":"object","properties":{},"required":["b"]})"),
            R"({"type":"object","properties":{}})");
}

TEST(GeminiSchema, TuplesAndOpenObjects) {
  EXPECT_EQ(Property(R"({"type":"array","items":[{"type":"string"},{"type":"null"}]})"),
            R"({"type":"array","prefixItems":[{"type":"string"},{"type":"null"}]})");
  EXPECT_EQ(Property(R"({"type":"object","additionalProperties":{"const":"x"}})"),
            R"({"type":"object","additionalProperties":{"enum":["x"]}})");
  EXPECT_EQ(Property("true"), "{}");
}

TEST(GeminiSchema, WhatIsNoSchemaAllowsAnyObject) {
  for (const std::string text : {"", "{", "[]", "3"})
    EXPECT_EQ(SanitiseForGemini(text), R"({"type":"object","properties":{}})") << text;
  EXPECT_EQ(SanitiseForGemini("{}"), R"({"type":"object"})");
}

TEST(GeminiSchema, TwiceIsOnce) {
  for (const std::string text :
       {R"({"type":"object","properties":{"p":{"type":["string","null"],"const":"x"},"q":{"exclusiveMinimum":1}}})",
        R"({"oneOf":[{"type":"string"},{"$ref":"#"}]})"}) {
    const std::string once = SanitiseForGemini(text);
    EXPECT_EQ(SanitiseForGemini(once), once);
  }
}

}  // namespace
}  // namespace rune::agent
