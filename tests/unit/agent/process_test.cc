#include "agent/process.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "sandbox/base/redaction.h"

namespace rune::agent {
namespace {

TEST(SecretsOfEnvironmentTest, AreFoundByWholeWords) {
  ::setenv("SOME_API_TOKEN", "env-token-value-1", 1);
  ::setenv("GIT_AUTHOR_NAME", "Jonathan-the-author", 1);
  ::setenv("MONKEY", "banana-banana", 1);
  ::setenv("HOST_KEY", "/etc/passwd", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "/begins/with-a-slash+1234", 1);
  HardenProcess();
  EXPECT_EQ(Redact("env-token-value-1"), "***");
  EXPECT_EQ(Redact("/begins/with-a-slash+1234"), "***");
  for (const char* text : {"Jonathan-the-author", "banana-banana", "/etc/passwd"}) EXPECT_EQ(Redact(text), text);
}

TEST(HelperPathTest, IsNeverLookedUpInPath) {
  const std::string usual = HelperPath();
  EXPECT_TRUE(usual.starts_with('/')) << usual;
  ::setenv("PATH", "/nonexistent/bin", 1);
  EXPECT_EQ(HelperPath(), usual);
  ::setenv("RUNE_LIBEXEC", "relative", 1);
  EXPECT_EQ(HelperPath(), usual) << "a relative directory would be the workspace's to fill";
  ::setenv("RUNE_LIBEXEC", "/somewhere", 1);
  EXPECT_EQ(HelperPath(), "/somewhere/rune-sandbox");
  ::unsetenv("RUNE_LIBEXEC");
}

TEST(SecretsOfEnvironmentTest, AProxysPasswordIsHiddenAsItIsWrittenAndAsItIsSent) {
  ::setenv("https_proxy", "http://me:canary%2dof%2dhttps@proxy.example:3128", 1);
  ::setenv("ALL_PROXY", "me:canary-of-all@proxy.example:3128", 1);
  HardenProcess();
  for (const char* text : {"me:canary%2dof%2dhttps", "me:canary-of-https", "me:canary-of-all"}) {
    EXPECT_EQ(Redact(text), "***") << text;
  }
  EXPECT_EQ(Redact("proxy.example:3128"), "proxy.example:3128");
  ::unsetenv("https_proxy");
  ::unsetenv("ALL_PROXY");
}

}  // namespace
}  // namespace rune::agent
