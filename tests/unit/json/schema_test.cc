#include "agent/json/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/json/pattern.h"

namespace rune::json {
namespace {

using ::testing::HasSubstr;

Document Parsed(std::string_view text, std::string root = "") {
  auto document = Document::Parse(text, std::move(root));
  EXPECT_TRUE(document.ok()) << text;
  return std::move(document).value();
}

/// The violation; empty when valid.
std::string Violation(std::string_view schema, std::string_view value) {
  const Document schema_document = Parsed(schema, "schema");
  const Document value_document = Parsed(value, "answer");
  const auto sound = CheckSchema(schema_document.root());
  EXPECT_TRUE(sound.ok()) << schema << ": " << (sound.ok() ? "" : sound.error().message);
  const auto result = Validate(value_document.root(), schema_document.root());
  return result.ok() ? "" : result.error().message;
}

std::string Unsound(std::string_view schema) {
  const Document document = Parsed(schema, "schema");
  const auto result = CheckSchema(document.root());
  return result.ok() ? "" : result.error().message;
}

TEST(Schema, EachKeywordTakesWhatItAllowsAndRefusesTheRest) {
  const struct {
    const char* schema;
    const char* good;
    const char* bad;
  } cases[] = {
      {R"({"type":"string"})", R"("a")", "1"},
      {R"({"type":"number"})", "1.5", R"("1")"},
      {R"({"type":"integer"})", "3", "3.5"},
      {R"({"type":"integer"})", "3.0", "null"},
      {R"({"type":"integer"})", "1e300", "[]"},
      {R"({"type":"boolean"})", "false", "0"},
      {R"({"type":"null"})", "null", "false"},
      {R"({"type":"array"})", "[]", "{}"},
      {R"({"type":"object"})", "{}", "[]"},
      {R"({"type":["string","null"]})", "null", "1"},
      {R"({"enum":["a",1,null,{"x":[1]}]})", R"({"x":[1.0]})", R"("b")"},
      {R"({"const":{"b":1,"a":2}})", R"({"a":2,"b":1})", R"({"a":2})"},
      {R"({"properties":{"a":{"type":"string"}}})", R"({"a":"x","b":1})", R"({"a":1})"},
      {R"({"required":["a"]})", R"({"a":null})", "{}"},
      {R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1})", R"({"a":1,"b":2})"},
      {R"({"additionalProperties":{"type":"string"}})", R"({"a":"x"})", R"({"a":1})"},
      {R"({"items":{"type":"string"}})", R"(["a"])", R"(["a",1])"},
      {R"({"prefixItems":[{"type":"string"},{"type":"number"}],"items":false})", R"(["a",1])", R"(["a",1,2])"},
      {R"({"prefixItems":[{"type":"string"}],"items":{"type":"number"}})", R"(["a",1,2])", R"(["a",1,"b"])"},
      {R"({"minItems":1})", "[1]", "[]"},
      {R"({"maxItems":1})", "[1]", "[1,2]"},
      {R"({"uniqueItems":true})", R"([1,"1",true,[1],{"a":1}])", R"([{"a":1,"b":2},{"b":2,"a":1.0}])"},
      {R"({"minLength":2})", R"("ab")", R"("a")"},
      {R"({"maxLength":2})", R"("é😀")", R"("abc")"},
      {R"({"pattern":"^[a-z]+-\\d{2}$"})", R"("ab-12")", R"("ab-1")"},
      {R"({"pattern":"b"})", R"("abc")", R"("ac")"},
      {R"({"pattern":"^.$"})", R"("😀")", R"("ab")"},
      {R"({"minimum":1})", "1", "0.5"},
      {R"({"maximum":1})", "1", "1.5"},
      {R"({"exclusiveMinimum":1})", "1.5", "1"},
      {R"({"exclusiveMaximum":1})", "0.5", "1"},
      {R"({"multipleOf":0.1})", "0.3", "0.35"},
      {R"({"multipleOf":3})", "9007199254740993", "10"},
      {R"({"minProperties":1})", R"({"a":1})", "{}"},
      {R"({"maxProperties":1})", R"({"a":1})", R"({"a":1,"b":2})"},
      {R"({"anyOf":[{"type":"string"},{"minimum":5}]})", "7", "3"},
      {R"({"oneOf":[{"minimum":5},{"maximum":9}]})", "3", "7"},
      {R"({"oneOf":[{"type":"string"},{"type":"null"}]})", "null", "7"},
      {R"({"allOf":[{"minimum":5},{"maximum":9}]})", "7", "10"},
      {R"({"not":{"type":"string"}})", "1", R"("a")"},
      {R"({"if":{"minimum":5},"then":{"multipleOf":2},"else":{"multipleOf":3}})", "6", "7"},
      {R"({"if":{"minimum":5},"then":{"multipleOf":2},"else":{"multipleOf":3}})", "3", "4"},
      {R"({"contains":{"type":"string"}})", R"([1,"a"])", "[1]"},
      {R"({"contains":{"minimum":5},"minContains":2,"maxContains":3})", "[5,6,1]", "[5,6,7,8]"},
      {R"({"contains":{"minimum":5},"minContains":0})", "[]", ""},
      {R"({"patternProperties":{"^n_":{"type":"number"}},"additionalProperties":false})", R"({"n_a":1})", R"({"b":1})"},
      {R"({"patternProperties":{"^n_":{"type":"number"}}})", R"({"b":"x"})", R"({"n_a":"x"})"},
      {R"({"propertyNames":{"maxLength":2}})", R"({"ab":1})", R"({"abc":1})"},
      {R"({"dependentRequired":{"a":["b"]}})", R"({"a":1,"b":2})", R"({"a":1})"},
      {R"({"dependentSchemas":{"a":{"maxProperties":1}}})", R"({"a":1})", R"({"a":1,"b":2})"},
      {R"({"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"string"}],"additionalItems":false})",
       R"(["a"])", R"(["a",1])"},
      {R"({"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"a":["b"],"c":{"minProperties":2}}})",
       R"({"c":1,"d":2})", R"({"a":1})"},
      {R"({"properties":{"a":{"type":"string"},"b":{"$ref":"#/properties/a"}}})", R"({"b":"x"})", R"({"b":1})"},
      {R"({"items":true})", "[1]", ""},
      {"true", "1", ""},
      {"false", "", "1"},
      {R"({"$ref":"#/$defs/p","$defs":{"p":{"type":"string"}}})", R"("a")", "1"},
      {R"({"$ref":"#/definitions/p","definitions":{"p":{"type":"string"}},"maxLength":1})", R"("a")", R"("ab")"},
      {R"({"type":"object","properties":{"next":{"$ref":"#"}},"required":["v"]})", R"({"v":1,"next":{"v":2}})",
       R"({"v":1,"next":{"v":2,"next":{}}})"},
  };
  for (const auto& c : cases) {
    if (*c.good != '\0') {
      EXPECT_EQ(Violation(c.schema, c.good), "") << c.schema << " with " << c.good;
    }
    if (*c.bad != '\0') {
      EXPECT_NE(Violation(c.schema, c.bad), "") << c.schema << " with " << c.bad;
    }
  }
}

TEST(Schema, KeywordsOfOneTypeSayNothingAboutOthers) {
  const char* schema = R"({"minLength":5,"minimum":5,"minItems":5,"minProperties":5,"pattern":"x","required":["a"]})";
  EXPECT_EQ(Violation(schema, "true"), "");
  EXPECT_EQ(Violation(schema, "null"), "");
}

TEST(Schema, ViolationsNameThePlace) {
  const char* schema = R"({"type":"object","properties":{"list":{"items":{"properties":{"n":{"type":"integer"}}}}},
                           "additionalProperties":false})";
  EXPECT_EQ(Violation(schema, R"({"list":[{},{"n":"x"}]})"), "answer.list[1].n: expected integer, found string");
  EXPECT_EQ(Violation(schema, R"({"lists":1})"), "answer: member 'lists' is not allowed");
  EXPECT_EQ(Violation(R"({"required":["a"]})", "{}"), "answer: member 'a' is missing");
  EXPECT_EQ(Violation(R"({"maximum":3})", "4.5"), "answer: 4.5 breaks maximum 3");
  EXPECT_THAT(Violation(R"({"enum":["ok","bad"]})", R"("meh")"), HasSubstr(R"("meh" is not one of ["ok","bad"])"));
}

TEST(Schema, RefusesWhatWouldNotBeChecked) {
  EXPECT_EQ(Unsound(R"({"properties":{"a":{"unevaluatedItems":{}}}})"),
            "schema.properties.a: keyword 'unevaluatedItems' is not supported");
  for (const char* schema : {R"({"unevaluatedProperties":false})", R"({"$dynamicRef":"#x"})", R"({"$anchor":"a"})",
                             R"({"properties":{"a":{"$id":"x"}}})", R"({"tpye":"string"})", R"({"anyOf":[{"x":1}]})",
                             R"({"$defs":{"a":{"x":1}}})"}) {
    EXPECT_THAT(Unsound(schema), HasSubstr("is not supported")) << schema;
  }
}

TEST(Schema, RefusesMalformedKeywords) {
  for (const char* schema : {"1",
                             R"({"type":"strin"})",
                             R"({"type":[]})",
                             R"({"enum":[]})",
                             R"({"enum":1})",
                             R"({"required":"a"})",
                             R"({"minLength":-1})",
                             R"({"minLength":1.5})",
                             R"({"minimum":"1"})",
                             R"({"multipleOf":0})",
                             R"({"uniqueItems":1})",
                             R"({"properties":[]})",
                             R"({"properties":{"a":1}})",
                             R"({"items":[{}]})",
                             R"({"anyOf":[]})",
                             R"({"anyOf":{}})",
                             R"({"pattern":"["})",
                             R"({"pattern":"(a)\\1"})",
                             R"({"pattern":1})",
                             R"({"$ref":"#/$defs/x"})",
                             R"({"$ref":"http://example.com/s"})",
                             R"({"$ref":"#/const","const":{}})",
                             R"({"$ref":"#/$defs/50%","$defs":{"50%":{}}})",
                             R"({"patternProperties":{"[":{}}})",
                             R"({"dependentRequired":{"a":"b"}})",
                             R"({"$ref":1})",
                             R"({"$schema":"https://example.com/mine"})"}) {
    EXPECT_NE(Unsound(schema), "") << schema;
  }
}

TEST(Schema, IgnoresAnnotations) {
  EXPECT_EQ(Violation(R"({"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"x","$comment":"c","title":"t",
      "description":"d","default":1,"examples":[1],"format":"email","deprecated":true,"readOnly":true,"writeOnly":true})",
                      R"("anything")"),
            "");
}

TEST(Schema, EndsOnSchemasThatChaseTheirTail) {
  EXPECT_THAT(Violation(R"({"$ref":"#"})", "1"), HasSubstr("too complex"));
  EXPECT_NE(Violation(R"({"anyOf":[{"$ref":"#"},{"$ref":"#"}]})", "1"), "");
  EXPECT_NE(
      Violation(
          R"({"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"not":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}}}})",
          "[1]"),
      "");
}

TEST(Schema, ACheckThatWasGivenUpIsNeverAPass) {
  EXPECT_EQ(Violation(R"({"not":{"pattern":"a"}})", R"("bbb")"), "");
  EXPECT_THAT(Violation(R"({"not":{"$ref":"#/$defs/a"},"$defs":{"a":{"$ref":"#/$defs/a"}}})", "1"),
              HasSubstr("too complex"));
}

TEST(ParseAnswer, TakesTheWholeTextOrTheOnlyBlock) {
  const struct {
    const char* answer;
    const char* json;
  } cases[] = {
      {" {\"a\":1} \n", R"({"a":1})"},
      {"```json\n{\"a\":1}\n```", R"({"a":1})"},
      {"Here it is:\n\n```\n[1,\n2]\n```\nDone.", "[1,2]"},
      {"Here:\n```json\r\n{\"a\":\"`x`\"}\r\n```\r\n", R"({"a":"`x`"})"},
      {"```json\n{\"a\":1}", R"({"a":1})"},
  };
  for (const auto& c : cases) {
    const auto document = ParseAnswer(c.answer);
    ASSERT_TRUE(document.ok()) << c.answer << ": " << document.error().message;
    EXPECT_EQ(document->root().Dump(), c.json);
    EXPECT_EQ(document->root().path(), "answer");
  }
}

TEST(ParseAnswer, RefusesTextTwoBlocksAndDuplicateKeys) {
  for (const char* answer : {"The answer is 4.", "", "```json\n1\n```\n```json\n2\n```", "```\nls\n```",
                             R"({"a":1,"a":2})", "Sure: {\"a\":1}"}) {
    EXPECT_FALSE(ParseAnswer(answer).ok()) << answer;
  }
  EXPECT_THAT(ParseAnswer("```\n1\n```\n```\n2\n```").error().message, HasSubstr("more than one"));
}

}  // namespace
}  // namespace rune::json
