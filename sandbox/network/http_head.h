#pragma once
/// The head of one HTTP/1.x request (RFC 9112), read so strictly that no server can read it differently. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace rune::sandbox {

struct HttpHead {
  std::string host;          ///< Normalised: a name (NormalizeHostName) or an address (Format(IpAddress)).
  std::uint16_t port = 0;    ///< 0: none given.
  std::uint64_t length = 0;  ///< Bytes of the body, when it is not chunked.
  bool chunked = false;
  bool websocket = false;  ///< Asks for an upgrade to it (RFC 6455 4.1).
};

/// `head` ends with its empty line and has no bare CR or LF and no control characters. kProtocol with what is wrong.
Result<HttpHead> ReadHttpHead(std::string_view head);

/// RFC 9110 5.6.2.
bool IsHttpTokenChar(char c);

struct HttpField {
  std::string name;  ///< Lower case.
  std::string_view value;
};
/// A field line without its CRLF; nullopt when the name is not a token right up to the colon.
std::optional<HttpField> ReadHttpField(std::string_view line);

}  // namespace rune::sandbox
