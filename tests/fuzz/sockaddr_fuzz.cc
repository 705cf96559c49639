/// Socket addresses from a command: bounded, and what is an internet address survives being written and read again.

#include <cstring>

#include "sandbox/address.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rune::sandbox;
  using rune::fuzz::Expect;
  const SocketAddress address = DecodeSocketAddress(rune::fuzz::AsText(data, size));
  Expect(address.path.size() <= 108, "a path is no longer than sun_path");
  Expect(address.kind != SocketAddress::Kind::kUnixPath || address.path.find('\0') == std::string::npos,
         "a path ends at its NUL");
  Expect(size <= 128 || address.kind == SocketAddress::Kind::kMalformed, "nothing longer than the kernel takes");
  if (address.kind != SocketAddress::Kind::kInet) return 0;
  sockaddr_storage storage{};
  const socklen_t length = EncodeSocketAddress(address.inet, storage);
  std::string bytes(length, '\0');
  std::memcpy(bytes.data(), &storage, length);
  Expect(DecodeSocketAddress(bytes).inet == address.inet, "what is written is read again");

  const IpAddress ip = address.inet.address;
  Expect(ParseIp(Format(ip)) == ip, "text is read again");
  Expect(Unwrap(Unwrap(ip)) == Unwrap(ip), "nothing is wrapped twice");
  Expect(KindOf(ip) == KindOf(Unwrap(ip)), "a wrapped address is of the same kind");
  Expect(Unwrap(MapToV6(address.inet).address) == Unwrap(ip), "mapping leads to the same place");
  return 0;
}
