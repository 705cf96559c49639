#include "sandbox/domain_allowlist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace rune::sandbox {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

DomainAllowlist List(const std::vector<std::string>& entries) {
  auto list = DomainAllowlist::Parse(entries);
  EXPECT_TRUE(list.ok()) << (list.ok() ? "" : list.error().message);
  return list.ok() ? *list : DomainAllowlist();
}

bool Reaches(const DomainAllowlist& list, std::string_view address, std::uint16_t port) {
  return list.AllowsAddress(*ParseIp(address), port);
}

TEST(HostNameTest, NormalisesNames) {
  EXPECT_EQ(NormalizeHostName("API.GitHub.COM"), "api.github.com");
  EXPECT_EQ(NormalizeHostName("good.test."), "good.test");
  EXPECT_EQ(NormalizeHostName("localhost"), "localhost");
  EXPECT_EQ(NormalizeHostName("_dmarc.a_b.test"), "_dmarc.a_b.test");
  EXPECT_EQ(NormalizeHostName("xn--mnchen-3ya.de"), "xn--mnchen-3ya.de");
  EXPECT_EQ(NormalizeHostName("1.2.3.4.test"), "1.2.3.4.test");
  EXPECT_EQ(NormalizeHostName("0x7f.test"), "0x7f.test");
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
  EXPECT_EQ(NormalizeHostName(longest), longest);
  EXPECT_EQ(NormalizeHostName(longest + "."), longest);
  EXPECT_FALSE(NormalizeHostName(longest + "a"));
  EXPECT_FALSE(NormalizeHostName(label + "a.test"));
}

TEST(HostNameTest, TakesEachCharacterOfHostNamesAndNoneBesideThem) {
  const std::string name = "abcdefghijklmnopqrstuvwxyz-0123456789_.a.test";
  EXPECT_EQ(NormalizeHostName(name), name);
  for (const char beside : {'`', '{', '/', ':', ',', '^', '@', '['})
    EXPECT_FALSE(NormalizeHostName(std::string("a") + beside + "b.test")) << beside;
}

TEST(HostNameTest, RefusesWhatIsNoNameOrCouldBeAnAddress) {
  for (const std::string_view name : {"",
                                      ".",
                                      "..",
                                      ".a.test",
                                      "a..test",
                                      "a.test..",
                                      "-a.test",
                                      "a-.test",
                                      "a b.test",
                                      "a/b.test",
                                      "a@b.test",
                                      "a%2e.test",
                                      "a,b.test",
                                      "a\tb.test",
                                      "\xc3\xbc.test",
                                      "a.test:80",
                                      "[::1]",
                                      "::1",
                                      "127.0.0.1",
                                      "127.1",
                                      "127.0.0.1.",
                                      "0x7f.1",
                                      "0x7f",
                                      "0x7f000001",
                                      "2130706433",
                                      "017700000001",
                                      "example.123",
                                      "a.0x",
                                      "a.0X1"}) {
    EXPECT_FALSE(NormalizeHostName(name)) << name;
  }
  EXPECT_FALSE(NormalizeHostName("evil.test\0.good.test"s));
  EXPECT_FALSE(NormalizeHostName("good.test\0"s));
}

TEST(DomainAllowlistTest, AllowsNothingWhenEmpty) {
  const DomainAllowlist list = List({});
  EXPECT_TRUE(list.empty());
  EXPECT_FALSE(list.every());
  EXPECT_FALSE(list.KnowsName("good.test"));
  EXPECT_FALSE(list.AllowsName("good.test", 443));
  EXPECT_FALSE(Reaches(list, "8.8.8.8", 443));
}

TEST(DomainAllowlistTest, MatchesAnExactNameOnTheUsualPorts) {
  const DomainAllowlist list = List({"Good.Test."});
  EXPECT_FALSE(list.empty());
  EXPECT_TRUE(list.KnowsName("good.test"));
  EXPECT_TRUE(list.AllowsName("good.test", 80));
  EXPECT_TRUE(list.AllowsName("good.test", 443));
  EXPECT_FALSE(list.AllowsName("good.test", 8443));
  EXPECT_FALSE(list.AllowsName("good.test", 22));
  EXPECT_FALSE(list.AllowsName("good.test", 0));
  for (const std::string_view name : {"a.good.test", "xgood.test", "good.test.evil.test", "ood.test", "test", ""}) {
    EXPECT_FALSE(list.KnowsName(name)) << name;
    EXPECT_FALSE(list.AllowsName(name, 443)) << name;
  }
}

TEST(DomainAllowlistTest, MatchesSubdomainsButNeverTheApex) {
  const DomainAllowlist list = List({"*.ok.test"});
  EXPECT_TRUE(list.AllowsName("a.ok.test", 443));
  EXPECT_TRUE(list.AllowsName("a.b.ok.test", 443));
  for (const std::string_view name : {"ok.test", "notok.test", "ok.test.evil.test", "xok.test", ".ok.test"}) {
    EXPECT_FALSE(list.AllowsName(name, 443)) << name;
    EXPECT_FALSE(list.KnowsName(name)) << name;
  }
  EXPECT_TRUE(List({"ok.test", "*.ok.test"}).AllowsName("ok.test", 443));
}

TEST(DomainAllowlistTest, APortStandsInsteadOfTheUsualOnes) {
  const DomainAllowlist list = List({"good.test:22", "*.good.test:8443"});
  EXPECT_TRUE(list.AllowsName("good.test", 22));
  EXPECT_FALSE(list.AllowsName("good.test", 443));
  EXPECT_TRUE(list.AllowsName("a.good.test", 8443));
  EXPECT_FALSE(list.AllowsName("a.good.test", 22));
  EXPECT_TRUE(list.KnowsName("good.test"));
  EXPECT_TRUE(List({"good.test", "good.test:22"}).AllowsName("good.test", 443));
  EXPECT_TRUE(List({"good.test:65535"}).AllowsName("good.test", 65535));
}

TEST(DomainAllowlistTest, MatchesAddressesAndRanges) {
  const DomainAllowlist list =
      List({"10.0.0.0/8:5432", "192.0.2.7", "[fd00::]/8", "[2001:db8::1]:443", "172.16.0.0/12"});
  EXPECT_TRUE(Reaches(list, "10.0.0.0", 5432));
  EXPECT_TRUE(Reaches(list, "10.255.255.255", 5432));
  EXPECT_FALSE(Reaches(list, "10.1.2.3", 80));
  EXPECT_FALSE(Reaches(list, "11.0.0.0", 5432));
  EXPECT_TRUE(Reaches(list, "192.0.2.7", 1));
  EXPECT_FALSE(Reaches(list, "192.0.2.8", 1));
  EXPECT_TRUE(Reaches(list, "fdff::1", 22));
  EXPECT_FALSE(Reaches(list, "fc00::1", 22));
  EXPECT_TRUE(Reaches(list, "2001:db8::1", 443));
  EXPECT_FALSE(Reaches(list, "2001:db8::1", 80));
  EXPECT_FALSE(Reaches(list, "2001:db8::2", 443));
  EXPECT_TRUE(Reaches(list, "172.31.255.255", 9));
  EXPECT_TRUE(Reaches(list, "172.16.0.0", 9));
  EXPECT_FALSE(Reaches(list, "172.32.0.0", 9));
  EXPECT_FALSE(Reaches(list, "172.15.255.255", 9));
}

TEST(DomainAllowlistTest, ARangeEndsAtItsBitWhereverThatIs) {
  for (const auto& [range, last_inside, first_outside] :
       std::initializer_list<std::array<const char*, 3>>{{"128.0.0.0/1", "255.255.255.255", "127.255.255.255"},
                                                         {"10.0.0.128/25", "10.0.0.255", "10.0.0.127"},
                                                         {"10.0.0.4/31", "10.0.0.5", "10.0.0.6"},
                                                         {"10.0.0.5/32", "10.0.0.5", "10.0.0.4"},
                                                         {"[2001:db8::]/33", "2001:db8:7fff:ffff::", "2001:db8:8000::"},
                                                         {"[fd00::4]/127", "fd00::5", "fd00::6"},
                                                         {"[fd00::5]/128", "fd00::5", "fd00::4"}}) {
    EXPECT_TRUE(Reaches(List({range}), last_inside, 1)) << range;
    EXPECT_FALSE(Reaches(List({range}), first_outside, 1)) << range;
  }
  EXPECT_TRUE(Reaches(List({"10.0.0.5:1"}), "10.0.0.5", 1));
  EXPECT_TRUE(Reaches(List({"10.0.0.5:65535"}), "10.0.0.5", 65535));
}

TEST(DomainAllowlistTest, ARangeThatIsWiderThanWrappedAddressesIsOne) {
  EXPECT_TRUE(DomainAllowlist::Parse({"[64:ff9b::]/32"}).ok());
  EXPECT_FALSE(DomainAllowlist::Parse({"[64:ff9b::]/96"}).ok());
}

TEST(DomainAllowlistTest, SeesThroughWrappedAddresses) {
  const DomainAllowlist list = List({"10.0.0.5"});
  EXPECT_TRUE(Reaches(list, "::ffff:10.0.0.5", 80));
  EXPECT_TRUE(Reaches(list, "64:ff9b::10.0.0.5", 80));
  EXPECT_FALSE(Reaches(list, "::ffff:10.0.0.6", 80));
  // An IPv6 range does not reach IPv4 in disguise.
  EXPECT_FALSE(Reaches(List({"[::]/0"}), "::ffff:10.0.0.5", 80));
  EXPECT_TRUE(Reaches(List({"[::]/0"}), "::1", 80));
  EXPECT_FALSE(Reaches(List({"0.0.0.0/0"}), "::1", 80));
  EXPECT_TRUE(Reaches(List({"0.0.0.0/0"}), "255.255.255.255", 80));
}

TEST(DomainAllowlistTest, NamesAndAddressesNeverImplyEachOther) {
  EXPECT_FALSE(List({"0.0.0.0/0", "[::]/0"}).KnowsName("good.test"));
  EXPECT_FALSE(List({"10.0.0.5"}).AllowsName("10.0.0.5", 80));
  EXPECT_FALSE(Reaches(List({"good.test", "*.test"}), "8.8.8.8", 443));
}

TEST(DomainAllowlistTest, LocalhostIsTheTwoAddressesThatItLeadsTo) {
  const auto list = DomainAllowlist::Parse({"localhost:8080"});
  ASSERT_TRUE(list.ok());
  for (const char* const address : {"127.0.0.1", "::1"}) {
    EXPECT_TRUE(list->AllowsAddress(*ParseIp(address), 8080)) << address;
    EXPECT_FALSE(list->AllowsAddress(*ParseIp(address), 8081)) << address;
  }
  EXPECT_FALSE(list->AllowsAddress(*ParseIp("127.0.0.2"), 8080));
  const auto usual = DomainAllowlist::Parse({"localhost"});
  EXPECT_TRUE(usual->AllowsAddress(*ParseIp("127.0.0.1"), 80));
  EXPECT_FALSE(usual->AllowsAddress(*ParseIp("127.0.0.1"), 8080));
  EXPECT_FALSE(DomainAllowlist::Parse({"*.localhost:80"})->AllowsAddress(*ParseIp("127.0.0.1"), 80));
}

TEST(DomainAllowlistTest, AStarIsEveryNameButNoAddressEntry) {
  const DomainAllowlist list = List({"good.test", "*"});
  EXPECT_TRUE(list.every());
  EXPECT_FALSE(list.empty());
  EXPECT_TRUE(list.KnowsName("anything.test"));
  EXPECT_TRUE(list.AllowsName("anything.test", 9999));
  EXPECT_FALSE(Reaches(list, "127.0.0.1", 80));
}

TEST(DomainAllowlistTest, AnEntryForATargetAllowsThatTarget) {
  EXPECT_EQ(EntryFor("good.test", 443), "good.test");
  EXPECT_EQ(EntryFor("good.test", 0), "good.test") << "a lookup";
  EXPECT_EQ(EntryFor("good.test", 8443), "good.test:8443");
  EXPECT_EQ(EntryFor("10.0.0.5", 443), "10.0.0.5:443") << "without a port it would be every port";
  EXPECT_EQ(EntryFor("fd00::1", 5432), "[fd00::1]:5432");
  EXPECT_EQ(EntryFor("::ffff:10.0.0.5", 22), "10.0.0.5:22");
  for (const auto& [host, port] : std::vector<std::pair<std::string, std::uint16_t>>{
           {"", 443}, {"*", 443}, {"no name", 443}, {"(others)", 0}, {"198.18.0.9", 443}, {"10.0.0.5", 0}}) {
    EXPECT_EQ(EntryFor(host, port), std::nullopt) << host;
  }
}

TEST(DomainAllowlistTest, NamesTheMalformedEntryAndWhy) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "no host name"},
      {"*.", "no host name"},
      {"*.*", "'*' can only stand"},
      {"a.*", "'*' can only stand"},
      {"*a.test", "'*' can only stand"},
      {"**.test", "'*' can only stand"},
      {"*.*.test", "'*' can only stand"},
      {"*:80", "'*' can only stand"},
      {"http://a.test", "a URL instead"},
      {"https://a.test:443/x", "a URL instead"},
      {"a.test/x", "no host name"},
      {"a test", "no host name"},
      {" a.test", "no host name"},
      {"a.test\n", "no host name"},
      {"user@a.test", "no host name"},
      {"a,b", "no host name"},
      {"\xc3\xbc.test", "no host name"},
      {"127.1", "no host name"},
      {"*.127.0.0.1", "no host name"},
      {"*.[::1]", "no host name"},
      {"a.test:", "a malformed port"},
      {"a.test:0", "a malformed port"},
      {"a.test:080", "a malformed port"},
      {"a.test:x", "a malformed port"},
      {"a.test:65536", "a malformed port"},
      {"a.test:99999999999999999999", "a malformed port"},
      {"a.test:80:80", "a malformed port"},
      {"a.test:80/8", "a malformed port"},
      {"10.0.0.5:", "a malformed port"},
      {"10.0.0.0/8:0", "a malformed port"},
      {"10.0.0.0/33", "a malformed length"},
      {"10.0.0.0/", "a malformed length"},
      {"10.0.0.0/08", "a malformed length"},
      {"10.0.0.0/-1", "a malformed length"},
      {"10.0.0.0/8/8", "a malformed length"},
      {"10.0.0.0/255.0.0.0", "a malformed length"},
      {"10.0.0.1/8", "its first one, 10.0.0.0"},
      {"[fd00::1]/8", "its first one, fd00::"},
      {"[fd00::]/129", "a malformed length"},
      {"[::1", "a malformed IPv6"},
      {"[]", "a malformed IPv6"},
      {"[127.0.0.1]", "a malformed IPv6"},
      {"[fe80::1%eth0]", "a malformed IPv6"},
      {"[::1]x", "a malformed length"},
      {"::1", "without brackets"},
      {"fd00::/8", "without brackets"},
      {"[::ffff:10.0.0.1]", "write it as four decimal numbers"},
      {"[64:ff9b::]/96", "write it as four decimal numbers"},
      {"[2002:a00::]/24", "write it as four decimal numbers"},
  };
  for (const auto& [entry, why] : cases) {
    const auto list = DomainAllowlist::Parse({"good.test", std::string(entry)});
    ASSERT_FALSE(list.ok()) << entry;
    EXPECT_EQ(list.error().kind, ErrorKind::kInvalidInput);
    EXPECT_THAT(list.error().message, HasSubstr(why)) << entry;
    if (entry != "a.test\n") {
      EXPECT_THAT(list.error().message, HasSubstr("'" + std::string(entry) + "'")) << entry;
    }
  }
  const auto hostile = DomainAllowlist::Parse({"a\x1b[31m.test\0x"s});
  ASSERT_FALSE(hostile.ok());
  EXPECT_EQ(hostile.error().message.find('\x1b'), std::string::npos);
}

TEST(HostPortTest, ReadsOneFormAndWritesIt) {
  for (const char* const text : {"name", "name:8080", "1.2.3.4", "1.2.3.4:443", "[fd00::1]", "[fd00::1]:80"}) {
    const auto where = ParseHostPort(text);
    ASSERT_TRUE(where.ok()) << text;
    EXPECT_EQ(JoinHostPort(*where), text);
  }
  EXPECT_EQ(ParseHostPort("Name.Example.:8080")->host, "name.example");
  EXPECT_EQ(ParseHostPort("[FD00:0::1]:80")->host, "fd00::1");
  EXPECT_EQ(ParseHostPort("name")->port, 0);
}

TEST(HostPortTest, RefusesWhatTwoProgramsCouldReadDifferently) {
  for (const char* const text :
       {"", ":80", "name:", "name:0", "name:080", "name:65536", "name:x", "name:80:80", "127.1", "0x7f.1", "fd00::1",
        "[1.2.3.4]", "[fd00::1", "[fd00::1]80", "[]", "a b", "me@name"}) {
    EXPECT_FALSE(ParseHostPort(text).ok()) << text;
  }
}

/// An entry covers another exactly when it allows whatever the other allows, here of a few samples.
TEST(CoversEntryTest, AgreesWithWhatTheListsAllow) {
  const std::vector<std::string> entries{"*",           "a.test",        "a.test:443", "a.test:22",    "*.a.test",
                                         "*.b.a.test",  "*.a.test:443",  "10.0.0.0/8", "10.1.0.0/16",  "10.1.2.3",
                                         "10.1.2.3:22", "10.0.0.0/8:22", "[fd00::]/8", "[fd00::1]:80", "*.test",
                                         "A.Test.",     "b.a.test",      "11.0.0.0/8"};
  const std::vector<std::string> names{"a.test", "b.a.test", "c.b.a.test", "x.test", "xa.test"};
  const std::vector<std::string> addresses{"10.1.2.3", "10.1.9.9", "10.9.9.9", "11.1.1.1", "fd00::1", "fd00::2"};
  const std::vector<std::uint16_t> ports{22, 80, 443};
  for (const std::string& wide : entries) {
    for (const std::string& narrow : entries) {
      const DomainAllowlist outer = List({wide});
      const DomainAllowlist inner = List({narrow});
      bool within = outer.every() || !inner.every();
      for (const std::uint16_t port : ports) {
        for (const std::string& name : names) within &= outer.AllowsName(name, port) || !inner.AllowsName(name, port);
        for (const std::string& address : addresses) {
          within &= outer.every() || Reaches(outer, address, port) || !Reaches(inner, address, port);
        }
      }
      EXPECT_EQ(CoversEntry(wide, narrow), within) << wide << " and " << narrow;
    }
  }
  EXPECT_TRUE(CoversEntry("no entry", "no entry"));
  EXPECT_TRUE(CoversEntry("*", "no entry"));
  EXPECT_FALSE(CoversEntry("a.test", "no entry"));
}

TEST(DomainAllowlistTest, NamesTheNarrowestEntryAsTheAccountOfATarget) {
  const auto list = DomainAllowlist::Parse(
      {"*.test", "*.wild.test:8443", "a.wild.test", "192.0.2.0/24:80", "192.0.2.0/28", "192.0.2.1", "[2001:db8::]/32"});
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->AccountOf("a.wild.test"), "a.wild.test");
  EXPECT_EQ(list->AccountOf("b.wild.test"), "*.wild.test");
  EXPECT_EQ(list->AccountOf("wild.test"), "*.test");
  EXPECT_EQ(list->AccountOf("other.example"), "");
  EXPECT_EQ(list->AccountOf("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(list->AccountOf("192.0.2.9"), "192.0.2.0/28");
  EXPECT_EQ(list->AccountOf("192.0.2.99"), "192.0.2.0/24");
  EXPECT_EQ(list->AccountOf("2001:db8::7"), "2001:db8::/32");
  EXPECT_EQ(list->AccountOf("198.51.100.1"), "");
  EXPECT_EQ(DomainAllowlist::Parse({"*"})->AccountOf("other.example"), "*");
}

}  // namespace
}  // namespace rune::sandbox
