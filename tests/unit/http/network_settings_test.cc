#include "agent/http/network_settings.h"

#include <gmock/gmock.h>

#include <map>

namespace rune::agent {
namespace {

using testing::HasSubstr;

EnvLookup Env(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  };
}

TEST(TrustStore, TheVariablesComeBeforeTheUsualPlaces) {
  EXPECT_EQ(FindTrustStore(Env({{"SSL_CERT_FILE", "/dev/null"}}))->file, "/dev/null");
  EXPECT_EQ(FindTrustStore(Env({{"CURL_CA_BUNDLE", "/dev/null"}}))->file, "/dev/null");
  EXPECT_EQ(FindTrustStore(Env({{"SSL_CERT_DIR", "/dev"}}))->directory, "/dev");
}

TEST(TrustStore, AVariableThatNamesNothingIsAnErrorWithBothNames) {
  const auto found = FindTrustStore(Env({{"SSL_CERT_FILE", "/nowhere/ca.pem"}}));
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.error().message, HasSubstr("SSL_CERT_FILE"));
  EXPECT_THAT(found.error().message, HasSubstr("/nowhere/ca.pem"));
}

TEST(NoProxy, ThisMachineIsAlwaysReachedDirectly) {
  for (const auto& env : {Env({}), Env({{"no_proxy", "a.example"}})}) {
    for (const char* const host : {"localhost", "127.0.0.1", "127.9.9.9", "[::1]"}) {
      EXPECT_TRUE(IsReachedDirectly(host, env)) << host;
    }
    for (const char* const host : {"b.example", "128.0.0.1", "[::2]", "10.0.0.1"}) {
      EXPECT_FALSE(IsReachedDirectly(host, env)) << host;
    }
  }
}

TEST(NoProxy, TheVariableInSmallLettersCountsFirst) {
  EXPECT_TRUE(IsReachedDirectly("api.a.example", Env({{"no_proxy", "a.example"}})));
  EXPECT_TRUE(IsReachedDirectly("api.a.example", Env({{"NO_PROXY", "a.example"}})));
  EXPECT_FALSE(IsReachedDirectly("api.a.example", Env({{"NO_PROXY", "a.example"}, {"no_proxy", "b.example"}})));
  EXPECT_TRUE(IsReachedDirectly("10.1.2.3", Env({{"no_proxy", "10.0.0.0/8"}})));
  EXPECT_TRUE(IsReachedDirectly("a.example", Env({{"no_proxy", "*"}})));
}

}  // namespace
}  // namespace rune::agent
