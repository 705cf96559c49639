#pragma once
/// The server name of a TLS ClientHello (RFC 8446 4.1.2, RFC 6066 3), across records and reads. Pure.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rune::sandbox {

struct TlsHello {
  enum class State : std::uint8_t {
    kIncomplete,  ///< TLS so far; more bytes are needed.
    kNotTls,      ///< Does not begin like a TLS handshake.
    kMalformed,   ///< Begins like TLS but breaks its rules, or is larger than 16 KiB.
    kNoName,      ///< A whole ClientHello without a server name, or one of SSL 2, which has none (RFC 5246 E.2).
    kName,
  };
  State state = State::kIncomplete;
  std::string name;      ///< Of kName: normalised (NormalizeHostName).
  std::size_t size = 0;  ///< Of kName: bytes of the records that it came in.
};
/// `bytes` is everything the client has sent so far. Exactly one host_name entry counts as a name; several, one with a
/// NUL or one that is no host name are kMalformed. An encrypted ClientHello changes nothing: its outer name counts.
TlsHello ReadTlsHello(std::string_view bytes);

}  // namespace rune::sandbox
