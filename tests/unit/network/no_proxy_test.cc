#include "sandbox/no_proxy.h"

#include <gtest/gtest.h>

namespace rune::sandbox {
namespace {

TEST(NoProxyTest, ANameMeansItselfAndWhatIsBelow) {
  for (const char* const text : {"corp.example", ".corp.example", "*.corp.example", "corp.example.",
                                 "other, corp.example", "other corp.example", "CORP.example"}) {
    const NoProxy direct(text);
    EXPECT_TRUE(direct.Covers("corp.example")) << text;
    EXPECT_TRUE(direct.Covers("git.corp.example")) << text;
    EXPECT_TRUE(direct.Covers("Git.Corp.Example.")) << text;
    EXPECT_FALSE(direct.Covers("evilcorp.example")) << text;
    EXPECT_FALSE(direct.Covers("corp.example.evil")) << text;
    EXPECT_FALSE(direct.Covers("example")) << text;
    EXPECT_FALSE(direct.Covers("")) << text;
  }
}

TEST(NoProxyTest, AStarIsEveryHostAlsoAmongOthers) {
  for (const char* const text : {"*", " * ", "a.example,*"}) {
    EXPECT_TRUE(NoProxy(text).Covers("anything.example")) << text;
    EXPECT_TRUE(NoProxy(text).Covers("10.0.0.1")) << text;
  }
  EXPECT_FALSE(NoProxy("a*").Covers("ab"));
}

TEST(NoProxyTest, AnAddressMeansItselfAndARangeWhatIsInIt) {
  const NoProxy direct("10.1.2.3,192.168.0.0/17,::1,[fd00::]/8,127.0.0.0/8");
  for (const char* const inside :
       {"10.1.2.3", "192.168.127.255", "::1", "[::1]", "fdff::1", "[fd12::9]", "127.9.9.9"}) {
    EXPECT_TRUE(direct.Covers(inside)) << inside;
  }
  for (const char* const outside :
       {"10.1.2.4", "192.168.128.0", "::2", "[fe80::1]", "128.0.0.1", "3.10.1.2.3.example"}) {
    EXPECT_FALSE(direct.Covers(outside)) << outside;
  }
  EXPECT_TRUE(NoProxy("0.0.0.0/0").Covers("8.8.8.8"));
  EXPECT_FALSE(NoProxy("0.0.0.0/0").Covers("::1")) << "of its own kind";
}

TEST(NoProxyTest, WhatIsNoEntryCoversNothing) {
  for (const char* const text : {"", ",", " , ", ".", "*.", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/-1", "host:8080"}) {
    const NoProxy direct(text);
    for (const char* const host : {"", "host", "10.0.0.0", "a.example"})
      EXPECT_FALSE(direct.Covers(host)) << text << host;
  }
}

}  // namespace
}  // namespace rune::sandbox
