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
  const std::string longest = "http://a.test/" + std::string(4096 - 14, 'a');
  EXPECT_TRUE(ParseUrl(longest).ok());
  EXPECT_FALSE(ParseUrl(longest + "a").ok());
}

/// The reader of host names would refuse most of these as well, but with words that lead nowhere.
TEST(DomainTest, ANameOrPasswordInAUrlIsCalledThat) {
  for (const char* const authority :
       {"user@a.test", "user:pw@a.test", "@a.test", "a.test@b.test", "user:80@[fd00::1]"}) {
    const Result<Url> url = ParseUrl("http://" + std::string(authority) + "/");
    ASSERT_FALSE(url.ok()) << authority;
    EXPECT_EQ(url.error().message, "a user name or password in the URL") << authority;
  }
  EXPECT_TRUE(ParseUrl("http://a.test/user:pw@b.test?x@y").ok()) << "the control: after the authority it is only text";
}

using sandbox::DomainAllowlist;

TEST(DomainTest, FindsTheHostOfAUrlInTheList) {
  for (const cases::Match& expected : cases::kMatches) {
    const Result<DomainAllowlist> list = DomainAllowlist::Parse({std::string(expected.pattern)});
    ASSERT_TRUE(list.ok()) << expected.pattern << ": " << list.error().message;
    const Url url{.scheme = "http", .host = std::string(expected.host), .port = expected.port, .text = {}};
    EXPECT_EQ(IsListed(*list, url), expected.matches) << expected.pattern << " " << expected.host;
  }
}

TEST(DomainTest, NamesTheMalformedEntry) {
  for (const std::string_view text : cases::kBadPatterns) {
    const Result<DomainAllowlist> list = DomainAllowlist::Parse({std::string(text)});
    ASSERT_FALSE(list.ok()) << text;
    EXPECT_EQ(list.error().kind, ErrorKind::kInvalidInput);
  }
  EXPECT_NE(DomainAllowlist::Parse({"http://a.test"}).error().message.find("'http://a.test'"), std::string::npos);
}

TEST(DomainTest, WritesAHostAsTheEntryThatAllowsIt) {
  for (const std::string_view text :
       {"http://a.test/", "https://a.test:22/", "http://192.0.2.7/", "http://[fd00::1]/"}) {
    const Result<Url> url = ParseUrl(text);
    ASSERT_TRUE(url.ok()) << text;
    const Result<DomainAllowlist> list = DomainAllowlist::Parse({HostAndPort(*url)});
    ASSERT_TRUE(list.ok()) << HostAndPort(*url);
    EXPECT_TRUE(IsListed(*list, *url)) << text;
  }
}

}  // namespace
}  // namespace rune::agent
