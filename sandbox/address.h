#pragma once
/// Internet addresses and host names as values: what a command passed to the kernel or a text names, in one spelling,
/// and what kind of place it is. Pure.

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace rune::sandbox {

struct IpAddress {
  std::uint8_t size = 4;  ///< Bytes in use: 4 or 16.
  std::array<std::uint8_t, 16> bytes{};

  bool is_v4() const { return size == 4; }
  bool operator==(const IpAddress&) const = default;
  auto operator<=>(const IpAddress&) const = default;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  std::uint32_t scope = 0;  ///< Interface of a link-local IPv6 address.

  bool operator==(const Endpoint&) const = default;
};

/// inet_pton(3); IPv4 only as four decimal numbers, IPv6 without brackets or zone.
std::optional<IpAddress> ParseIp(std::string_view text);
std::string Format(const IpAddress& address);
/// "1.2.3.4:80", "[::1]:80".
std::string Format(const Endpoint& endpoint);

/// Lower case, without one final dot; at most 253 characters, labels of 1 to 63 from [a-z0-9_-] that neither begin nor
/// end with '-' (RFC 1035 2.3.4, RFC 5890 A-labels). nullopt for everything else, and for what some programs read as an
/// address ("127.1", "0x7f.1", "2130706433").
std::optional<std::string> NormalizeHostName(std::string_view name);
/// 1 to 65535, decimal, without a leading zero.
std::optional<std::uint16_t> ParsePort(std::string_view text);

/// What URLs, Host headers and proxies' addresses name (RFC 3986 3.2.2, RFC 9110 7.2).
struct HostPort {
  std::string host;        ///< Normalised: a name (NormalizeHostName) or an address (Format), without brackets.
  std::uint16_t port = 0;  ///< 0: none is named.
};
/// "name", "1.2.3.4", "[::1]", each with or without ":port". kInvalidInput with the reason for anything else: what two
/// programs could read differently is no host.
Result<HostPort> ParseHostPort(std::string_view text);
/// The same form.
std::string JoinHostPort(const HostPort& where);

/// The IPv4 address inside an IPv6 one that leads there: mapped, compatible, 6to4 (2002::/16), NAT64 (64:ff9b::/96),
/// Teredo (2001::/32); anything else unchanged.
IpAddress Unwrap(const IpAddress& address);

/// Whether the first `bits` of both are the same; an IPv4 address is never within IPv6 ones. Nothing is unwrapped.
bool IsWithin(const IpAddress& address, const IpAddress& network, int bits);

enum class AddressKind : std::uint8_t {
  kPublic,
  kUnspecified,  ///< 0.0.0.0, :: (Linux connects to loopback)
  kLoopback,
  kPrivate,    ///< RFC 1918, 100.64/10, fc00::/7
  kLinkLocal,  ///< 169.254/16, fe80::/10
  kMetadata,   ///< 169.254.169.254, fd00:ec2::254, 100.100.100.200, 168.63.129.16
  kFake,       ///< 198.18.0.0/15: ours, each standing for a name
  kReserved,   ///< Multicast, broadcast, 0/8, 192.0.0/24, 240/4, documentation ranges, everything else special
};
/// Of the unwrapped address.
AddressKind KindOf(const IpAddress& address);
std::string_view AddressKindName(AddressKind kind);

/// A sockaddr as a command handed it to connect(2), bind(2) or sendto(2): untrusted bytes of untrusted length.
struct SocketAddress {
  enum class Kind : std::uint8_t { kInet, kUnixPath, kUnixAbstract, kUnixUnnamed, kUnspecified, kOther, kMalformed };
  Kind kind = Kind::kMalformed;
  sa_family_t family = AF_UNSPEC;
  Endpoint inet;     ///< Of kInet, and of kUnspecified when long enough: bind(2) reads that as AF_INET. Not unwrapped.
  std::string path;  ///< Of kUnixPath (up to the first NUL) and kUnixAbstract (without the leading NUL).
};
/// The kernel's own rules for lengths: sockaddr_in needs 16 bytes, sockaddr_in6 24, sun_path may lack its NUL.
SocketAddress DecodeSocketAddress(std::string_view bytes);
/// For the system calls that we make ourselves; returns the length.
socklen_t EncodeSocketAddress(const Endpoint& endpoint, sockaddr_storage& out);
/// The IPv4-mapped form, for an IPv4 endpoint on an AF_INET6 socket.
Endpoint MapToV6(const Endpoint& endpoint);

}  // namespace rune::sandbox
