#include "sandbox/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>

namespace rune::sandbox {
namespace {

using Kind = SocketAddress::Kind;
using namespace std::string_literals;

IpAddress Ip(std::string_view text) {
  const auto address = ParseIp(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress{});
}

template <typename T>
std::string Bytes(const T& value, std::size_t size = sizeof(T)) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &value, sizeof(T));
  out.resize(size, '\0');
  return out;
}

sockaddr_in V4(std::string_view address, std::uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  std::memcpy(&in.sin_addr, Ip(address).bytes.data(), 4);
  return in;
}

sockaddr_in6 V6(std::string_view address, std::uint16_t port, std::uint32_t scope) {
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  in6.sin6_scope_id = scope;
  std::memcpy(&in6.sin6_addr, Ip(address).bytes.data(), 16);
  return in6;
}

std::string Unix(std::string_view path) {
  const sa_family_t family = AF_UNIX;
  return Bytes(family) + std::string(path);
}

TEST(AddressTest, ReadsOnlyOneSpellingOfAnIpv4Address) {
  EXPECT_EQ(Format(Ip("127.0.0.1")), "127.0.0.1");
  EXPECT_EQ(Format(Ip("255.255.255.255")), "255.255.255.255");
  for (const std::string_view text : {"", "127.1", "127.0.1", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01", "2130706433",
                                      "256.0.0.1", "1.2.3.4.5", " 1.2.3.4", "1.2.3.4 ", "1.2.3.", "1.2.3.4/8"}) {
    EXPECT_FALSE(ParseIp(text)) << text;
  }
  EXPECT_FALSE(ParseIp("1.2.3.4\0"s));
  EXPECT_FALSE(ParseIp("1.2.3.4\0.evil.test"s));
}

TEST(AddressTest, ReadsIpv6WithoutBracketsAndZone) {
  EXPECT_EQ(Format(Ip("2001:DB8:0::1")), "2001:db8::1");
  EXPECT_EQ(Format(Ip("::ffff:1.2.3.4")), "::ffff:1.2.3.4");
  for (const std::string_view text : {"[::1]", "fe80::1%eth0", "::1::", "1:2:3:4:5:6:7", ":::", "12345::"}) {
    EXPECT_FALSE(ParseIp(text)) << text;
  }
  EXPECT_FALSE(ParseIp(std::string(10'000, ':')));
}

TEST(AddressTest, WritesEndpointsTheWayTheyAreRead) {
  EXPECT_EQ(Format(Endpoint{Ip("1.2.3.4"), 80}), "1.2.3.4:80");
  EXPECT_EQ(Format(Endpoint{Ip("::1"), 443}), "[::1]:443");
}

TEST(AddressTest, UnwrapsEveryFormThatLeadsToAnIpv4Address) {
  EXPECT_EQ(Format(Unwrap(Ip("::ffff:127.0.0.1"))), "127.0.0.1");
  EXPECT_EQ(Format(Unwrap(Ip("::10.0.0.1"))), "10.0.0.1");
  EXPECT_EQ(Format(Unwrap(Ip("::2"))), "0.0.0.2");
  EXPECT_EQ(Format(Unwrap(Ip("2002:a9fe:a9fe::1"))), "169.254.169.254");
  EXPECT_EQ(Format(Unwrap(Ip("64:ff9b::7f00:1"))), "127.0.0.1");
  EXPECT_EQ(Format(Unwrap(Ip("2001:0:4136:e378:8000:63bf:80ff:fffe"))), "127.0.0.1");
  for (const std::string_view text : {"::", "::1", "1.2.3.4", "2001:db8::1", "64:ff9b:1::7f00:1", "2003::1"}) {
    EXPECT_EQ(Format(Unwrap(Ip(text))), text);
  }
}

TEST(AddressTest, TellsWhatKindOfPlaceAnAddressIs) {
  const std::pair<std::string_view, AddressKind> cases[] = {
      {"0.0.0.0", AddressKind::kUnspecified},
      {"0.0.0.1", AddressKind::kReserved},
      {"0.255.255.255", AddressKind::kReserved},
      {"1.0.0.0", AddressKind::kPublic},
      {"8.8.8.8", AddressKind::kPublic},
      {"9.255.255.255", AddressKind::kPublic},
      {"10.0.0.0", AddressKind::kPrivate},
      {"10.255.255.255", AddressKind::kPrivate},
      {"11.0.0.0", AddressKind::kPublic},
      {"100.63.255.255", AddressKind::kPublic},
      {"100.64.0.0", AddressKind::kPrivate},
      {"100.100.100.200", AddressKind::kMetadata},
      {"100.127.255.255", AddressKind::kPrivate},
      {"100.128.0.0", AddressKind::kPublic},
      {"126.255.255.255", AddressKind::kPublic},
      {"127.0.0.1", AddressKind::kLoopback},
      {"127.255.255.255", AddressKind::kLoopback},
      {"128.0.0.0", AddressKind::kPublic},
      {"168.63.129.15", AddressKind::kPublic},
      {"168.63.129.16", AddressKind::kMetadata},
      {"169.253.255.255", AddressKind::kPublic},
      {"169.254.0.0", AddressKind::kLinkLocal},
      {"169.254.169.253", AddressKind::kLinkLocal},
      {"169.254.169.254", AddressKind::kMetadata},
      {"169.254.255.255", AddressKind::kLinkLocal},
      {"169.255.0.0", AddressKind::kPublic},
      {"172.15.255.255", AddressKind::kPublic},
      {"172.16.0.0", AddressKind::kPrivate},
      {"172.31.255.255", AddressKind::kPrivate},
      {"172.32.0.0", AddressKind::kPublic},
      {"191.255.255.255", AddressKind::kPublic},
      {"192.0.0.0", AddressKind::kReserved},
      {"192.0.0.192", AddressKind::kReserved},
      {"192.0.1.0", AddressKind::kPublic},
      {"192.0.2.1", AddressKind::kReserved},
      {"192.88.99.1", AddressKind::kReserved},
      {"192.168.0.0", AddressKind::kPrivate},
      {"192.168.255.255", AddressKind::kPrivate},
      {"192.169.0.0", AddressKind::kPublic},
      {"198.17.255.255", AddressKind::kPublic},
      {"198.18.0.0", AddressKind::kFake},
      {"198.19.255.255", AddressKind::kFake},
      {"198.20.0.0", AddressKind::kPublic},
      {"198.51.100.7", AddressKind::kReserved},
      {"203.0.113.7", AddressKind::kReserved},
      {"223.255.255.255", AddressKind::kPublic},
      {"224.0.0.1", AddressKind::kReserved},
      {"239.255.255.255", AddressKind::kReserved},
      {"240.0.0.1", AddressKind::kReserved},
      {"255.255.255.255", AddressKind::kReserved},
      {"::", AddressKind::kUnspecified},
      {"::1", AddressKind::kLoopback},
      {"::2", AddressKind::kReserved},
      {"::127.0.0.1", AddressKind::kLoopback},
      {"::ffff:127.0.0.1", AddressKind::kLoopback},
      {"::ffff:0.0.0.0", AddressKind::kUnspecified},
      {"::ffff:8.8.8.8", AddressKind::kPublic},
      {"::ffff:0:8.8.8.8", AddressKind::kReserved},
      {"64:ff9b::169.254.169.254", AddressKind::kMetadata},
      {"64:ff9b::8.8.8.8", AddressKind::kPublic},
      {"64:ff9b:1::8.8.8.8", AddressKind::kReserved},
      {"100::1", AddressKind::kReserved},
      {"2001:0:4136:e378:8000:63bf:80ff:fffe", AddressKind::kLoopback},
      {"2001:2::1", AddressKind::kReserved},
      {"2001:20::1", AddressKind::kReserved},
      {"2001:200::1", AddressKind::kPublic},
      {"2001:4860:4860::8888", AddressKind::kPublic},
      {"2001:db8::1", AddressKind::kReserved},
      {"2001:db9::1", AddressKind::kPublic},
      {"2002:a00:1::", AddressKind::kPrivate},
      {"2002:808:808::", AddressKind::kPublic},
      {"2606:4700::1111", AddressKind::kPublic},
      {"3fff::1", AddressKind::kReserved},
      {"3fff:1000::1", AddressKind::kPublic},
      {"4000::1", AddressKind::kReserved},
      {"5f00::1", AddressKind::kReserved},
      {"fc00::1", AddressKind::kPrivate},
      {"fd00:ec2::253", AddressKind::kPrivate},
      {"fd00:ec2::254", AddressKind::kMetadata},
      {"fdff::1", AddressKind::kPrivate},
      {"fe80::1", AddressKind::kLinkLocal},
      {"febf::1", AddressKind::kLinkLocal},
      {"fec0::1", AddressKind::kReserved},
      {"ff02::1", AddressKind::kReserved},
  };
  for (const auto& [text, kind] : cases) {
    EXPECT_EQ(AddressKindName(KindOf(Ip(text))), AddressKindName(kind)) << text;
  }
}

TEST(AddressTest, DecodesInternetAddressesWithTheKernelsLengths) {
  const SocketAddress v4 = DecodeSocketAddress(Bytes(V4("1.2.3.4", 80)));
  ASSERT_EQ(v4.kind, Kind::kInet);
  EXPECT_EQ(v4.family, AF_INET);
  EXPECT_EQ(Format(v4.inet), "1.2.3.4:80");
  EXPECT_EQ(DecodeSocketAddress(Bytes(V4("1.2.3.4", 80), 15)).kind, Kind::kMalformed);
  EXPECT_EQ(Format(DecodeSocketAddress(Bytes(V4("1.2.3.4", 80), 128)).inet), "1.2.3.4:80");
  EXPECT_EQ(DecodeSocketAddress(Bytes(V4("1.2.3.4", 80), 129)).kind, Kind::kMalformed);

  const sockaddr_in6 in6 = V6("fe80::1", 443, 7);
  const SocketAddress v6 = DecodeSocketAddress(Bytes(in6));
  ASSERT_EQ(v6.kind, Kind::kInet);
  EXPECT_EQ(Format(v6.inet), "[fe80::1]:443");
  EXPECT_EQ(v6.inet.scope, 7u);
  EXPECT_EQ(DecodeSocketAddress(Bytes(in6, 27)).inet.scope, 0u);
  EXPECT_EQ(DecodeSocketAddress(Bytes(in6, 24)).kind, Kind::kInet);
  EXPECT_EQ(DecodeSocketAddress(Bytes(in6, 23)).kind, Kind::kMalformed);
}

TEST(AddressTest, DecodesWhatHasNoAddress) {
  EXPECT_EQ(DecodeSocketAddress("").kind, Kind::kMalformed);
  EXPECT_EQ(DecodeSocketAddress("\x02").kind, Kind::kMalformed);
  EXPECT_EQ(DecodeSocketAddress("\0\0"s).kind, Kind::kUnspecified);
  sockaddr_in any = V4("0.0.0.0", 8080);
  any.sin_family = AF_UNSPEC;
  const SocketAddress unspecified = DecodeSocketAddress(Bytes(any));
  EXPECT_EQ(unspecified.kind, Kind::kUnspecified);
  EXPECT_EQ(unspecified.inet.port, 8080);
  const sa_family_t families[] = {AF_NETLINK, AF_PACKET, AF_VSOCK, 0xffff};
  for (const sa_family_t family : families) {
    const SocketAddress other = DecodeSocketAddress(Bytes(family));
    EXPECT_EQ(other.kind, Kind::kOther);
    EXPECT_EQ(other.family, family);
  }
}

TEST(AddressTest, DecodesUnixAddressesUpToTheFirstNulOrTheEnd) {
  EXPECT_EQ(DecodeSocketAddress(Unix("")).kind, Kind::kUnixUnnamed);
  const SocketAddress path = DecodeSocketAddress(Unix("/run/x.sock\0rest"s));
  EXPECT_EQ(path.kind, Kind::kUnixPath);
  EXPECT_EQ(path.path, "/run/x.sock");
  EXPECT_EQ(DecodeSocketAddress(Unix(std::string(108, 'a'))).path, std::string(108, 'a'));
  EXPECT_EQ(DecodeSocketAddress(Unix(std::string(109, 'a'))).kind, Kind::kMalformed);
  const SocketAddress abstract = DecodeSocketAddress(Unix("\0name\0more"s));
  EXPECT_EQ(abstract.kind, Kind::kUnixAbstract);
  EXPECT_EQ(abstract.path, "name\0more"s);
  EXPECT_EQ(DecodeSocketAddress(Unix("\0"s)).kind, Kind::kUnixAbstract);
}

TEST(AddressTest, EncodesWhatItDecodes) {
  for (const Endpoint& endpoint : {Endpoint{Ip("1.2.3.4"), 80}, Endpoint{Ip("fe80::1"), 443, 3}}) {
    sockaddr_storage storage{};
    const socklen_t size = EncodeSocketAddress(endpoint, storage);
    EXPECT_EQ(DecodeSocketAddress(Bytes(storage, size)).inet, endpoint);
  }
}

TEST(AddressTest, MapsOnlyIpv4IntoIpv6) {
  EXPECT_EQ(Format(MapToV6({Ip("1.2.3.4"), 80})), "[::ffff:1.2.3.4]:80");
  EXPECT_EQ(Unwrap(MapToV6({Ip("1.2.3.4"), 80}).address), Ip("1.2.3.4"));
  EXPECT_EQ(Format(MapToV6({Ip("::1"), 80})), "[::1]:80");
}

TEST(HostPortTest, ReadsAHostWithAndWithoutAPort) {
  const struct {
    const char* text;
    const char* host;
    std::uint16_t port;
  } cases[] = {{"Example.COM.", "example.com", 0},
               {"example.com:443", "example.com", 443},
               {"1.2.3.4", "1.2.3.4", 0},
               {"1.2.3.4:80", "1.2.3.4", 80},
               {"[::1]", "::1", 0},
               {"[0:0::1]:65535", "::1", 65535},
               {"a:1", "a", 1}};
  for (const auto& c : cases) {
    const auto read = ParseHostPort(c.text);
    ASSERT_TRUE(read.ok()) << c.text;
    EXPECT_EQ(read->host, c.host);
    EXPECT_EQ(read->port, c.port) << c.text;
  }
}

TEST(HostPortTest, SaysWhatIsWrongWithEverythingElse) {
  const struct {
    const char* text;
    const char* problem;
  } cases[] = {{"", "no host"},
               {":80", "no host"},
               {"[::1", "a malformed IPv6 address"},
               {"[1.2.3.4]", "a malformed IPv6 address"},
               {"[]", "a malformed IPv6 address"},
               {"[::1]80", "a malformed port"},
               {"a:", "a malformed port"},
               {"a:0", "a malformed port"},
               {"a:080", "a malformed port"},
               {"a:65536", "a malformed port"},
               {"a:+1", "a malformed port"},
               {"a:1:2", "a malformed port"},
               {"::1", "no host"},
               {"fd00::1", "a malformed port"},
               {"me@a", "a malformed host name"},
               {"127.1", "a malformed host name"},
               {"a b", "a malformed host name"}};
  for (const auto& c : cases) {
    const auto read = ParseHostPort(c.text);
    ASSERT_FALSE(read.ok()) << c.text;
    EXPECT_TRUE(read.error().message.starts_with(c.problem)) << c.text << ": " << read.error().message;
  }
}

TEST(HostPortTest, OnlyAnIpv6AddressNeedsBrackets) {
  EXPECT_EQ(JoinHostPort({"::1", 443}), "[::1]:443");
  EXPECT_EQ(JoinHostPort({"1.2.3.4", 0}), "1.2.3.4");
  EXPECT_EQ(JoinHostPort({"example.com", 80}), "example.com:80");
}

}  // namespace
}  // namespace rune::sandbox
