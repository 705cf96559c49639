#include "sandbox/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "sandbox/base/characters.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxSockaddr = 128;  // move_addr_to_kernel(): sizeof(struct sockaddr_storage)
constexpr std::size_t kInet6Rfc2133 = 24;  // SIN6_LEN_RFC2133: without the scope, which the kernel still accepts
constexpr std::size_t kUnixPathAt = offsetof(sockaddr_un, sun_path);

bool IsLabelChar(char c) { return IsLower(c) || IsDigit(c) || c == '-' || c == '_'; }

IpAddress V4(const std::uint8_t* bytes) {
  IpAddress out;
  std::copy_n(bytes, 4, out.bytes.begin());
  return out;
}

struct Prefix {
  std::array<std::uint8_t, 16> bytes;
  int bits;
};

bool SameBits(const std::array<std::uint8_t, 16>& one, const std::array<std::uint8_t, 16>& other, int bits) {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(one.begin(), one.begin() + whole, other.begin())) return false;
  const int rest = bits % 8;
  return rest == 0 || ((one[whole] ^ other[whole]) >> (8 - rest)) == 0;
}

bool Within(const IpAddress& address, const Prefix& prefix) {
  return SameBits(address.bytes, prefix.bytes, prefix.bits);
}

constexpr Prefix kMapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};  // RFC 4291 2.5.5.2
constexpr Prefix kCompatible{{}, 96};                                      // RFC 4291 2.5.5.1
constexpr Prefix k6to4{{0x20, 0x02}, 16};                                  // RFC 3056
constexpr Prefix kNat64{{0x00, 0x64, 0xff, 0x9b}, 96};                     // RFC 6052
constexpr Prefix kTeredo{{0x20, 0x01, 0, 0}, 32};                          // RFC 4380

struct Special {
  Prefix prefix;
  AddressKind kind;
};

// IANA's special-purpose registries (RFC 6890), narrow ranges before the wide ones around them.
constexpr Special kSpecialV4[] = {
    {{{0, 0, 0, 0}, 32}, AddressKind::kUnspecified},
    {{{0}, 8}, AddressKind::kReserved},
    {{{10}, 8}, AddressKind::kPrivate},
    {{{100, 100, 100, 200}, 32}, AddressKind::kMetadata},
    {{{100, 64}, 10}, AddressKind::kPrivate},
    {{{127}, 8}, AddressKind::kLoopback},
    {{{168, 63, 129, 16}, 32}, AddressKind::kMetadata},
    {{{169, 254, 169, 254}, 32}, AddressKind::kMetadata},
    {{{169, 254}, 16}, AddressKind::kLinkLocal},
    {{{172, 16}, 12}, AddressKind::kPrivate},
    {{{192, 0, 0}, 24}, AddressKind::kReserved},
    {{{192, 0, 2}, 24}, AddressKind::kReserved},    // documentation
    {{{192, 88, 99}, 24}, AddressKind::kReserved},  // 6to4 relays, deprecated
    {{{192, 168}, 16}, AddressKind::kPrivate},
    {{{198, 18}, 15}, AddressKind::kFake},
    {{{198, 51, 100}, 24}, AddressKind::kReserved},  // documentation
    {{{203, 0, 113}, 24}, AddressKind::kReserved},   // documentation
    {{{224}, 3}, AddressKind::kReserved},            // multicast, 240/4, broadcast
};

constexpr Special kSpecialV6[] = {
    {{{}, 128}, AddressKind::kUnspecified},
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128}, AddressKind::kLoopback},
    {{{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128}, AddressKind::kMetadata},
    {{{0xfc}, 7}, AddressKind::kPrivate},
    {{{0xfe, 0x80}, 10}, AddressKind::kLinkLocal},
    {{{0x20, 0x01}, 23}, AddressKind::kReserved},              // protocol assignments
    {{{0x20, 0x01, 0x0d, 0xb8}, 32}, AddressKind::kReserved},  // documentation
    {{{0x3f, 0xff}, 20}, AddressKind::kReserved},              // documentation
    {{{0x20}, 3}, AddressKind::kPublic},                       // all that is assigned as global unicast
    {{{}, 0}, AddressKind::kReserved},
};

template <typename T>
T Read(std::string_view bytes) {
  T out{};
  std::memcpy(&out, bytes.data(), std::min(sizeof(out), bytes.size()));
  return out;
}

void DecodeInet(std::string_view bytes, SocketAddress& out) {
  const auto in = Read<sockaddr_in>(bytes);
  std::memcpy(out.inet.address.bytes.data(), &in.sin_addr, 4);
  out.inet.port = ntohs(in.sin_port);
}

void DecodeInet6(std::string_view bytes, SocketAddress& out) {
  const auto in6 = Read<sockaddr_in6>(bytes);
  out.inet.address.size = 16;
  std::memcpy(out.inet.address.bytes.data(), &in6.sin6_addr, 16);
  out.inet.port = ntohs(in6.sin6_port);
  if (bytes.size() >= sizeof(sockaddr_in6)) out.inet.scope = in6.sin6_scope_id;
}

SocketAddress::Kind DecodeUnix(std::string_view bytes, SocketAddress& out) {
  if (bytes.size() > sizeof(sockaddr_un)) return SocketAddress::Kind::kMalformed;
  const std::string_view path = bytes.substr(kUnixPathAt);
  if (path.empty()) return SocketAddress::Kind::kUnixUnnamed;
  if (path.front() == '\0') {
    out.path = path.substr(1);
    return SocketAddress::Kind::kUnixAbstract;
  }
  out.path = path.substr(0, path.find('\0'));
  return SocketAddress::Kind::kUnixPath;
}

}  // namespace

std::optional<IpAddress> ParseIp(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  IpAddress out;
  if (inet_pton(AF_INET, terminated.c_str(), out.bytes.data()) == 1) return out;
  out.size = 16;
  if (inet_pton(AF_INET6, terminated.c_str(), out.bytes.data()) == 1) return out;
  return std::nullopt;
}

std::string Format(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.is_v4() ? AF_INET : AF_INET6, address.bytes.data(), text.data(), text.size());
  return text.data();
}

std::string Format(const Endpoint& endpoint) {
  const std::string address = Format(endpoint.address);
  return (endpoint.address.is_v4() ? address : "[" + address + "]") + ":" + std::to_string(endpoint.port);
}

std::optional<std::string> NormalizeHostName(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxName) return std::nullopt;
  std::string out = ToLower(name);
  std::string_view last;
  for (const std::string_view label : Split(out, '.')) {
    if (label.empty() || label.size() > kMaxLabel || !All(label, IsLabelChar)) {
      return std::nullopt;
    }
    if (label.front() == '-' || label.back() == '-') return std::nullopt;
    last = label;
  }
  // A last label that looks like a number makes it an address to some programs (WHATWG URL, "ends in a number").
  if (All(last, IsDigit) || last.starts_with("0x")) return std::nullopt;
  return out;
}

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  if (text.starts_with('0') || !All(text, IsDigit)) return std::nullopt;
  const auto value = ParseInt(text);
  if (!value || *value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

Result<HostPort> ParseHostPort(std::string_view text) {
  HostPort out;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    const auto address = end == std::string_view::npos ? std::nullopt : ParseIp(text.substr(1, end - 1));
    if (!address || address->is_v4()) return Error::Invalid("a malformed IPv6 address");
    out.host = Format(*address);
    rest = text.substr(end + 1);
  } else {
    const std::string_view host = text.substr(0, text.find(':'));
    if (host.empty()) return Error::Invalid("no host");
    const auto address = ParseIp(host);
    const auto name = address ? Format(*address) : NormalizeHostName(host);
    if (!name) {
      return Error::Invalid(
          "a malformed host name (write international names in their xn-- form, addresses as four decimal numbers)");
    }
    out.host = *name;
    rest = text.substr(host.size());
  }
  if (rest.empty()) return out;
  const auto port = rest[0] == ':' ? ParsePort(rest.substr(1)) : std::nullopt;
  if (!port) return Error::Invalid("a malformed port");
  out.port = *port;
  return out;
}

std::string JoinHostPort(const HostPort& where) {
  const std::string host = where.host.find(':') == std::string::npos ? where.host : "[" + where.host + "]";
  return where.port == 0 ? host : host + ":" + std::to_string(where.port);
}

IpAddress Unwrap(const IpAddress& address) {
  if (address.is_v4()) return address;
  const std::uint8_t* bytes = address.bytes.data();
  if (Within(address, kMapped) || Within(address, kNat64)) return V4(bytes + 12);
  if (Within(address, k6to4)) return V4(bytes + 2);
  if (Within(address, kTeredo)) {  // RFC 4380 4: the client's address, every bit turned over
    IpAddress out = V4(bytes + 12);
    std::for_each_n(out.bytes.begin(), 4, [](std::uint8_t& byte) { byte = static_cast<std::uint8_t>(~byte); });
    return out;
  }
  // :: and ::1 are no wrapped addresses.
  const bool plain = bytes[12] == 0 && bytes[13] == 0 && bytes[14] == 0 && bytes[15] <= 1;
  return Within(address, kCompatible) && !plain ? V4(bytes + 12) : address;
}

bool IsWithin(const IpAddress& address, const IpAddress& network, int bits) {
  return address.size == network.size && SameBits(address.bytes, network.bytes, bits);
}

AddressKind KindOf(const IpAddress& address) {
  const IpAddress plain = Unwrap(address);
  if (plain.is_v4()) {
    for (const Special& special : kSpecialV4) {
      if (Within(plain, special.prefix)) return special.kind;
    }
    return AddressKind::kPublic;
  }
  for (const Special& special : kSpecialV6) {
    if (Within(plain, special.prefix)) return special.kind;
  }
  return AddressKind::kReserved;
}

std::string_view AddressKindName(AddressKind kind) {
  switch (kind) {
    case AddressKind::kPublic:
      return "public";
    case AddressKind::kUnspecified:
      return "unspecified";
    case AddressKind::kLoopback:
      return "loopback";
    case AddressKind::kPrivate:
      return "private";
    case AddressKind::kLinkLocal:
      return "link-local";
    case AddressKind::kMetadata:
      return "metadata";
    case AddressKind::kFake:
      return "stand-in";
    case AddressKind::kReserved:
      return "reserved";
  }
  return "reserved";
}

SocketAddress DecodeSocketAddress(std::string_view bytes) {
  using Kind = SocketAddress::Kind;
  SocketAddress out;
  if (bytes.size() < sizeof(sa_family_t) || bytes.size() > kMaxSockaddr) return out;
  out.family = Read<sa_family_t>(bytes);
  switch (out.family) {
    case AF_UNSPEC:
      out.kind = Kind::kUnspecified;
      if (bytes.size() >= sizeof(sockaddr_in)) DecodeInet(bytes, out);
      break;
    case AF_INET:
      if (bytes.size() < sizeof(sockaddr_in)) break;
      out.kind = Kind::kInet;
      DecodeInet(bytes, out);
      break;
    case AF_INET6:
      if (bytes.size() < kInet6Rfc2133) break;
      out.kind = Kind::kInet;
      DecodeInet6(bytes, out);
      break;
    case AF_UNIX:
      out.kind = DecodeUnix(bytes, out);
      break;
    default:
      out.kind = Kind::kOther;
  }
  return out;
}

socklen_t EncodeSocketAddress(const Endpoint& endpoint, sockaddr_storage& out) {
  out = {};
  if (endpoint.address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, endpoint.address.bytes.data(), 4);
    std::memcpy(&out, &in, sizeof(in));
    return sizeof(in);
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(endpoint.port);
  in6.sin6_scope_id = endpoint.scope;
  std::memcpy(&in6.sin6_addr, endpoint.address.bytes.data(), 16);
  std::memcpy(&out, &in6, sizeof(in6));
  return sizeof(in6);
}

Endpoint MapToV6(const Endpoint& endpoint) {
  if (!endpoint.address.is_v4()) return endpoint;
  Endpoint out = endpoint;
  out.address.size = 16;
  out.address.bytes = kMapped.bytes;
  std::copy_n(endpoint.address.bytes.begin(), 4, out.address.bytes.begin() + 12);
  return out;
}

}  // namespace rune::sandbox
