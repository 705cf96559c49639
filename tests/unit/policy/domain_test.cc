#include "agent/policy/domain.h"

#include <gtest/gtest.h>

#include "tests/unit/policy/url_cases.h"

namespace rune::agent {
namespace {

TEST(DomainTest, ReadsUrlsTheWayTheClientWill) {
  for (const cases::GoodUrl& expected : cases::kGoodUrls) {
    const Result<Url> url = ParseUrl(expected.url);
    ASSERT_TRUE(url.ok()) << expected.url << ": " << url.error().message;
    EXPECT_EQ(url->host, expected.host) << expected.url;
    EXPECT_EQ(url->port, expected.port) << expected.url;
    EXPECT_EQ(url->text, expected.text) << expected.url;
    const Result<Url> again = ParseUrl(url->text);
    ASSERT_TRUE(again.ok()) << url->text;
    EXPECT_EQ(again->text, url->text);
  }
}

TEST(DomainTest, RefusesUrlsThatCanBeReadTwoWays) {
  for (const std::string_view url : cases::kBadUrls) EXPECT_FALSE(ParseUrl(url).ok()) << url;
  EXPECT_FALSE(ParseUrl(std::string("http://a.test\0.evil.test/", 25)).ok());
  EXPECT_FALSE(ParseUrl("http://" + std::string(300, 'a') + ".test/").ok());
  EXPECT_FALSE(ParseUrl("http://a.test/" + std::string(5000, 'a')).ok());
}

TEST(DomainTest, MatchesWholeLabels) {
  for (const cases::Match& expected : cases::kMatches) {
    const Result<DomainPattern> pattern = ParseDomainPattern(expected.pattern);
    ASSERT_TRUE(pattern.ok()) << expected.pattern << ": " << pattern.error().message;
    EXPECT_EQ(Matches(*pattern, expected.host, expected.port), expected.matches)
        << expected.pattern << " " << expected.host;
  }
}

TEST(DomainTest, NamesTheMalformedEntry) {
  for (const std::string_view text : cases::kBadPatterns) {
    const Result<DomainPattern> pattern = ParseDomainPattern(text);
    ASSERT_FALSE(pattern.ok()) << text;
    EXPECT_EQ(pattern.error().kind, ErrorKind::kInvalidInput);
  }
  EXPECT_NE(ParseDomainPattern("http://a.test").error().message.find("'http://a.test'"), std::string::npos);
}

}  // namespace
}  // namespace rune::agent
