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
    kTunnel,   ///< The server has switched to websocket, which the client asked for: what follows is no HTTP. All may
               ///< pass.
    kNotHttp,  ///< The first line is no request line. Nothing is passed: those bytes are the caller's to judge.
    kRefused,  ///< `reason()`. Nothing more may pass.
  };
  /// `allow(host, port)` decides each request; port 0 when the Host header names none. Host is normalised: a name
  /// (NormalizeHostName) or an address (Format(IpAddress)).
  explicit HttpRequests(std::function<bool(const std::string& host, std::uint16_t port)> allow);

  /// The next bytes of the client. A head passes only when it is whole and allowed; at most 64 KiB of it are kept.
  /// Refused: CONNECT, h2c upgrades and the HTTP/2 preface, no or several Host headers, a Host that differs from an
  /// absolute request target, both Content-Length and Transfer-Encoding, several or odd lengths, obsolete folding,
  /// bare CR or LF, NUL and other controls, blanks before a colon. A server may decline to speak websocket: what the
  /// client sends after it asked waits for the answer, and is read as requests unless that is a 101 (RFC 9110 15.2.2).
  /// It may ask in the first request of a connection only: which answer is whose need not be told then.
  State Feed(std::string_view bytes);
  /// What the server sends, before it is given to the client.
  State HearServer(std::string_view bytes);
  /// Bytes that may be forwarded now; each call hands over what has become free since the last one.
  std::string TakePassed();
  const std::string& reason() const { return reason_; }

 private:
  enum class Part : std::uint8_t { kHead, kBody, kChunkSize, kChunkData, kChunkEnd, kTrailer };
  enum class Sniffed : std::uint8_t { kNothing, kMethod, kTarget };
  void Sniff(char c);
  void TakeHeadByte(char c);
  void TakeAnswer(std::string_view head);
  void TakeHead();
  void TakeLineByte(char c);
  void TakeLine();
  void PassBody(std::string_view& bytes);
  void PassHeld(Part next);
  void Refuse(std::string reason);

  std::function<bool(const std::string&, std::uint16_t)> allow_;
  State state_ = State::kReading;
  Part part_ = Part::kHead;
  Sniffed sniffed_ = Sniffed::kNothing;  ///< Of the first line, so far.
  std::uint64_t left_ = 0;               ///< Bytes of the body or chunk.
  std::string held_;                     ///< An unfinished head or line.
  std::string passed_;
  std::string reason_;
  bool http_ = false;        ///< A request line was seen: it is HTTP, from now on to the letter.
  bool first_ = true;        ///< No request has been read yet.
  bool websocket_ = false;   ///< The first head asked for it, and there is no answer yet.
  std::string waiting_;      ///< What the client has sent since then.
  std::string answer_;       ///< A head of the server that is not whole.
  std::size_t trailer_ = 0;  ///< Bytes of the trailer so far.
};

}  // namespace rune::sandbox
