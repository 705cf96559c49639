#pragma once
/// Watches the client's side of an HTTP/1.x connection, request after request (RFC 9112), and says which host each of
/// them is for. Knows where a body ends, so that a second request cannot hide behind the first. Pure.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace rune::sandbox {

class HttpRequests {
 public:
  enum class State : std::uint8_t {
    kReading,  ///< Everything up to `passed()` may go on.
    kTunnel,   ///< An upgrade to websocket was asked for: what follows is no HTTP. All may pass.
    kNotHttp,  ///< The first bytes are no request line.
    kRefused,  ///< `reason()`. Nothing more may pass.
  };
  /// `allow(host, port)` decides each request; port 0 when the Host header names none. Host is normalised.
  explicit HttpRequests(std::function<bool(const std::string& host, std::uint16_t port)> allow);

  /// The next bytes of the client. A head passes only when it is whole and allowed; at most 64 KiB of it are kept.
  /// Refused: CONNECT, h2c upgrades and the HTTP/2 preface, no or several Host headers, a Host that differs from an
  /// absolute request target, both Content-Length and Transfer-Encoding, several or odd lengths, obsolete folding,
  /// bare CR, NUL, blanks before a colon.
  State Feed(std::string_view bytes);
  /// Bytes that may be forwarded now; each call hands over what has become free since the last one.
  std::string TakePassed();
  const std::string& reason() const { return reason_; }
  const std::string& last_host() const { return host_; }

 private:
  enum class Part : std::uint8_t { kHead, kBody, kChunkSize, kChunkData, kChunkEnd, kTrailer };
  State Refuse(std::string reason);
  bool TakeHead();

  std::function<bool(const std::string&, std::uint16_t)> allow_;
  State state_ = State::kReading;
  Part part_ = Part::kHead;
  std::uint64_t left_ = 0;  ///< Bytes of the body or chunk.
  std::string held_;        ///< An unfinished head or line.
  std::string passed_;
  std::string host_;
  std::string reason_;
  bool any_ = false;  ///< A whole request was seen.
};

}  // namespace rune::sandbox
