#include "sandbox/network/tls_hellos.h"

#include <algorithm>
#include <utility>

#include "sandbox/network/tls_hello.h"

namespace rune::sandbox {
namespace {

using std::string_view;

constexpr std::size_t kHeader = 5;
constexpr std::size_t kMaxFragment = (1 << 14) + 2048;  // RFC 5246 6.2.3; RFC 8446 5.2 has less
/// Before its hello: warnings, and what came with it in one read.
constexpr std::size_t kMaxAnswer = 256 << 10;
constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kAlert = 21;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;
constexpr std::uint8_t kServerHello = 2;
/// The random of a ServerHello that is a HelloRetryRequest (RFC 8446 4.1.3), after type, length and version.
constexpr std::size_t kRandomAt = 6;
constexpr string_view kRetryRandom(
    "\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91"
    "\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C",
    32);

std::uint8_t ByteAt(string_view bytes, std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); }
std::size_t LengthOf(string_view record) { return std::size_t{ByteAt(record, 3)} << 8 | ByteAt(record, 4); }

}  // namespace

TlsHellos::TlsHellos(std::string name) : name_(std::move(name)) {}

TlsHellos::State TlsHellos::FeedClient(string_view bytes) {
  if (state_ == State::kOver) passed_ += bytes;
  if (state_ != State::kReading) return state_;
  held_ += bytes;
  while (state_ == State::kReading && !held_.empty()) {
    const std::uint8_t type = ByteAt(held_, 0);
    if (type == kHandshake) {
      if (!PassHello()) break;
      continue;
    }
    // Before the server has answered: the sign of a change that middle boxes want to see, early data, an alert.
    if (type != kChangeCipherSpec && type != kAlert && type != kApplicationData) {
      Refuse("bytes after a TLS hello that are no record of TLS");
      break;
    }
    if (held_.size() < kHeader) break;
    const std::size_t size = LengthOf(held_);
    if (size > kMaxFragment) {
      Refuse("a record of TLS that is too large");
      break;
    }
    if (held_.size() < kHeader + size) break;
    passed_ += held_.substr(0, kHeader + size);
    held_.erase(0, kHeader + size);
  }
  return state_;
}

/// False when there is nothing more to pass for now.
bool TlsHellos::PassHello() {
  const TlsHello hello = ReadTlsHello(held_);
  if (hello.state == TlsHello::State::kIncomplete) return false;
  if (hello.state != TlsHello::State::kName) {
    Refuse("a second TLS hello that breaks the rules or has no server name");
    return false;
  }
  if (hello.name != name_) {
    other_ = hello.name;
    Refuse("the second TLS hello names " + hello.name + ", the first one " + name_);
    return false;
  }
  passed_ += held_.substr(0, hello.size);
  held_.erase(0, hello.size);
  if (retry_) End();  // there is no third (RFC 8446 4.1.4)
  return true;
}

TlsHellos::State TlsHellos::FeedServer(string_view bytes) {
  if (state_ != State::kReading || retry_) return state_;
  answer_ += bytes;
  if (answer_.size() > kMaxAnswer) {
    Refuse("a server that does not answer a TLS hello with its own");
    return state_;
  }
  switch (ReadAnswer(answer_)) {
    case Answer::kUnknown:
      break;
    case Answer::kHello:
      End();
      break;
    case Answer::kRetry:
      retry_ = true;
      break;
  }
  return state_;
}

/// Warnings may come before it. What is no handshake is no question for another hello either.
TlsHellos::Answer TlsHellos::ReadAnswer(string_view bytes) {
  std::string message;  // fragments of the handshake put together
  while (!bytes.empty()) {
    const std::uint8_t type = ByteAt(bytes, 0);
    if (type != kHandshake && type != kAlert && type != kChangeCipherSpec) return Answer::kHello;
    if (bytes.size() < kHeader) return Answer::kUnknown;
    const std::size_t size = LengthOf(bytes);
    if (type != kHandshake && bytes.size() < kHeader + size) return Answer::kUnknown;
    if (type != kHandshake) {
      bytes.remove_prefix(kHeader + size);
      continue;
    }
    const string_view fragment = bytes.substr(kHeader, size);
    message += fragment;
    if (!message.empty() && ByteAt(message, 0) != kServerHello) return Answer::kHello;
    if (message.size() >= kRandomAt + kRetryRandom.size()) {
      return string_view(message).substr(kRandomAt, kRetryRandom.size()) == kRetryRandom ? Answer::kRetry
                                                                                         : Answer::kHello;
    }
    if (fragment.size() < size || size == 0) return size == 0 ? Answer::kHello : Answer::kUnknown;
    bytes.remove_prefix(kHeader + size);
  }
  return Answer::kUnknown;
}

std::string TlsHellos::TakePassed() { return std::exchange(passed_, {}); }

void TlsHellos::End() {
  state_ = State::kOver;
  passed_ += std::exchange(held_, {});
  answer_.clear();
}

void TlsHellos::Refuse(std::string reason) {
  state_ = State::kRefused;
  reason_ = std::move(reason);
  held_.clear();
}

}  // namespace rune::sandbox
