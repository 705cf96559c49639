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

TEST(NoProxy, LoopbackIsAlwaysInTheList) {
  EXPECT_EQ(NoProxyList(Env({})), "localhost,127.0.0.0/8,::1");
  EXPECT_EQ(NoProxyList(Env({{"no_proxy", "a.example"}})), "a.example,localhost,127.0.0.0/8,::1");
  EXPECT_EQ(NoProxyList(Env({{"NO_PROXY", "b.example"}})), "b.example,localhost,127.0.0.0/8,::1");
}

TEST(NoProxy, AStarStaysAlone) { EXPECT_EQ(NoProxyList(Env({{"no_proxy", "*"}})), "*"); }

}  // namespace
}  // namespace rune::agent
