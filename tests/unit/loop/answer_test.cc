#include "agent/loop/answer.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

constexpr const char* kVerdict =
    R"({"type":"object","properties":{"verdict":{"enum":["pass","fail"]},"n":{"type":"integer"}},)"
    R"("required":["verdict"],"additionalProperties":false})";

TEST(AnswerTest, IsCanonicalHoweverTheModelWroteIt) {
  for (const char* const text : {R"({"verdict":"pass","n":2})", "```json\n{\"n\": 2,\n \"verdict\": \"pass\"}\n```",
                                 R"({ "n" : 2.0 , "verdict" : "p\u0061ss" })"}) {
    const auto answer = StructuredAnswer(text, kVerdict);
    ASSERT_TRUE(answer.ok()) << text << ": " << answer.error().message;
    EXPECT_EQ(*answer, R"({"n":2,"verdict":"pass"})") << text;
  }
}

TEST(AnswerTest, OrTheModelIsToldWhatIsWrong) {
  const struct {
    const char* text;
    const char* word;
  } rows[] = {{"It passes.", ""},
              {R"({"verdict":"maybe"})", "verdict"},
              {R"({"n":1})", "verdict"},
              {R"({"verdict":"pass","why":1})", "why"},
              {R"(["pass"])", "object"}};
  for (const auto& row : rows) {
    const auto answer = StructuredAnswer(row.text, kVerdict);
    ASSERT_FALSE(answer.ok()) << row.text;
    EXPECT_NE(answer.error().message.find(row.word), std::string::npos) << answer.error().message;
  }
}

}  // namespace
}  // namespace rune::agent
