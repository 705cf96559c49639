#include "agent/http/url.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rune::agent {
namespace {

struct Row {
  const char* url;
  const char* origin;
  const char* path;
};

TEST(Url, IsTakenApart) {
  const std::vector<Row> rows{{"https://API.Example/v1", "https://api.example", "/v1"},
                              {"http://host:8080", "http://host:8080", ""},
                              {"http://me:pw@host:8080/x?y#z", "http://host:8080", "/x?y#z"},
                              {"http://[::1]:11434/v1", "http://[::1]:11434", "/v1"},
                              {"http://[::1]/v1", "http://[::1]", "/v1"},
                              {"http://host?x@y", "http://host", "?x@y"},
                              {"no url", "://", ""}};
  for (const Row& row : rows) {
    const UrlParts parts = SplitUrl(row.url);
    EXPECT_EQ(parts.Origin(), row.origin) << row.url;
    EXPECT_EQ(parts.path, row.path) << row.url;
  }
}

TEST(Url, ThisMachineIsKnownByItsNumbersAndNotByNamesThatLookAlike) {
  for (const char* const here :
       {"http://localhost", "http://LOCALHOST:1/x", "http://127.0.0.1", "http://127.9.9.9:80", "http://[::1]:5"})
    EXPECT_TRUE(IsLoopback(SplitUrl(here))) << here;
  for (const char* const there : {"http://127.evil.example", "http://localhost.example", "http://128.0.0.1",
                                  "http://[::2]", "http://user@localhost@evil.example"})
    EXPECT_FALSE(IsLoopback(SplitUrl(there))) << there;
}

TEST(Url, ADomainHoldsItselfAndWhatIsBelow) {
  EXPECT_TRUE(IsUnder("github.com", "github.com"));
  EXPECT_TRUE(IsUnder("api.github.com", "github.com"));
  EXPECT_FALSE(IsUnder("evilgithub.com", "github.com"));
  EXPECT_FALSE(IsUnder("github.com.evil.example", "github.com"));
  EXPECT_FALSE(IsUnder("", "github.com"));
}

TEST(Url, ABaseUrlIsAnHttpAddressWithoutSlashesAtItsEnd) {
  EXPECT_EQ(ReadBaseUrl(" https://h/v1// \n", "base_url").value(), "https://h/v1");
  EXPECT_EQ(ReadBaseUrl("HTTP://h", "base_url").value(), "HTTP://h");
  for (const char* const none : {"", "h/v1", "ftp://h", "https://", "https://user@/v1"}) {
    const auto url = ReadBaseUrl(none, "embeddings.base_url");
    ASSERT_FALSE(url.ok()) << none;
    EXPECT_EQ(url.error().message.rfind("embeddings.base_url: '", 0), 0u) << url.error().message;
  }
}

TEST(Url, PathsAreJoinedWithOneSlash) {
  for (const char* const base : {"https://h/v1", "https://h/v1/", "https://h/v1//"}) {
    for (const char* const path : {"x", "/x"}) EXPECT_EQ(JoinUrl(base, path), "https://h/v1/x");
  }
}

}  // namespace
}  // namespace rune::agent
