#include "sandbox/network/http_requests.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sandbox/base/characters.h"
#include "sandbox/base/text.h"
#include "sandbox/network/http_head.h"

namespace rune::sandbox {
namespace {

using std::string_view;

constexpr std::size_t kMaxHeld = 64 << 10;

/// A control character, or a CR or LF without the other. `before` is the byte in front of `c`.
bool IsOdd(char before, char c) {
  if ((c == '\n') != (before == '\r')) return true;
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\r' && c != '\n') || byte == 0x7f;
}

/// RFC 9112 3: what lenient servers take for a blank.
bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// "1a" or "1a;extension", without its CRLF (RFC 9112 7.1).
std::optional<std::uint64_t> ReadChunkSize(string_view line) {
  const string_view digits = line.substr(0, line.find(';'));
  if (digits.empty() || digits.size() > 15) return std::nullopt;
  std::uint64_t size = 0;
  for (const char c : digits) {
    const auto digit = HexDigit(c);
    if (!digit) return std::nullopt;
    size = size << 4 | *digit;
  }
  return size;
}

}  // namespace

HttpRequests::HttpRequests(std::function<bool(const std::string&, std::uint16_t)> allow) : allow_(std::move(allow)) {}

HttpRequests::State HttpRequests::Feed(string_view bytes) {
  while (!bytes.empty() && state_ == State::kReading) {
    if (websocket_ && part_ == Part::kHead) {
      waiting_ += bytes;
      if (waiting_.size() > kMaxHeld) Refuse("more than 64 KiB before the server has said that it speaks websocket");
      return state_;
    }
    if (part_ == Part::kBody || part_ == Part::kChunkData) {
      PassBody(bytes);
      continue;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (held_.size() == kMaxHeld) {
      Refuse("a head of more than 64 KiB");
    } else if (part_ == Part::kHead) {
      TakeHeadByte(c);
    } else {
      TakeLineByte(c);
    }
  }
  if (state_ == State::kTunnel) passed_ += bytes;
  return state_;
}

HttpRequests::State HttpRequests::HearServer(string_view bytes) {
  while (websocket_ && state_ == State::kReading && !bytes.empty()) {
    answer_ += bytes.front();
    bytes.remove_prefix(1);
    if (answer_.ends_with("\r\n\r\n")) TakeAnswer(std::exchange(answer_, {}));
    if (answer_.size() > kMaxHeld) Refuse("an answer with a head of more than 64 KiB");
  }
  return state_;
}

/// "HTTP/1.1 101 Switching Protocols" and so on (RFC 9112 4). Others of 1xx come before an answer.
void HttpRequests::TakeAnswer(string_view head) {
  const bool whole = head.starts_with("HTTP/1.1 ") && head.size() > 12;
  const string_view status = whole ? head.substr(9, 3) : string_view();
  if (status.starts_with("1") && status != "101") return;
  websocket_ = false;
  const std::string waiting = std::exchange(waiting_, {});
  if (status == "101") {
    state_ = State::kTunnel;
    passed_ += waiting;
  } else {
    Feed(waiting);
  }
}

std::string HttpRequests::TakePassed() { return std::exchange(passed_, {}); }

void HttpRequests::PassBody(string_view& bytes) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  passed_ += bytes.substr(0, size);
  bytes.remove_prefix(size);
  left_ -= size;
  if (left_ == 0) part_ = part_ == Part::kBody ? Part::kHead : Part::kChunkEnd;
}

void HttpRequests::TakeHeadByte(char c) {
  if (!http_) {
    Sniff(c);
    return;
  }
  const char before = held_.empty() ? '\0' : held_.back();
  held_ += c;
  if (IsOdd(before, c)) {
    Refuse("a control character or a bare line end in a head");
  } else if (c == '\n' && held_.ends_with("\r\n\r\n")) {
    TakeHead();
  }
}

/// The first line of a connection decides whether it is HTTP. Where a lenient server would see a request line, it is
/// read as one, and refused for what is wrong with it.
void HttpRequests::Sniff(char c) {
  held_ += c;
  if (sniffed_ == Sniffed::kNothing) {
    if (IsBlank(c)) return;
    sniffed_ = Sniffed::kMethod;
  }
  if (sniffed_ == Sniffed::kMethod) {
    if (IsHttpTokenChar(c)) return;
    sniffed_ = Sniffed::kTarget;
    if (c == '\n' || !IsBlank(c)) state_ = State::kNotHttp;
  }
  if (state_ == State::kReading && c == '\n') {
    http_ = ToLower(held_).find("http/") != std::string::npos;
    if (!http_) state_ = State::kNotHttp;
  }
  if (state_ == State::kNotHttp) held_.clear();
  char before = '\0';
  for (const char byte : http_ ? string_view(held_) : string_view()) {
    if (IsOdd(before, byte)) return Refuse("a control character or a bare line end in a head");
    before = byte;
  }
}

void HttpRequests::TakeHead() {
  Result<HttpHead> head = ReadHttpHead(held_);
  if (!head.ok()) return Refuse(head.error().message);
  if (!allow_(head->host, head->port)) {
    const std::string port = head->port == 0 ? std::string() : ":" + std::to_string(head->port);
    return Refuse("the host " + head->host + port + " is not allowed");
  }
  websocket_ = head->websocket && first_;
  first_ = false;
  left_ = head->length;
  trailer_ = 0;
  PassHeld(head->chunked ? Part::kChunkSize : left_ > 0 ? Part::kBody : Part::kHead);
}

void HttpRequests::TakeLineByte(char c) {
  const char before = held_.empty() ? '\0' : held_.back();
  held_ += c;
  if (IsOdd(before, c)) return Refuse("a control character or a bare line end in a chunked body");
  if (part_ == Part::kChunkEnd && held_[0] != '\r') return Refuse("a chunk that is longer than its size");
  if (c == '\n') TakeLine();
}

void HttpRequests::TakeLine() {
  const string_view line = string_view(held_).substr(0, held_.size() - 2);
  if (part_ == Part::kChunkEnd) return PassHeld(Part::kChunkSize);
  if (part_ == Part::kChunkSize) {
    const auto size = ReadChunkSize(line);
    if (!size) return Refuse("a malformed chunk size");
    left_ = *size;
    return PassHeld(left_ == 0 ? Part::kTrailer : Part::kChunkData);
  }
  if (line.empty()) return PassHeld(Part::kHead);
  trailer_ += held_.size();
  const auto field = ReadHttpField(line);
  // A server that merges trailers into the head must not learn of another host or length there (RFC 9110 6.5.1).
  if (!field || field->name == "host" || field->name == "content-length" || field->name == "transfer-encoding") {
    return Refuse("a malformed trailer");
  }
  if (trailer_ > kMaxHeld) return Refuse("a trailer of more than 64 KiB");
  PassHeld(Part::kTrailer);
}

void HttpRequests::PassHeld(Part next) {
  passed_ += held_;
  held_.clear();
  part_ = next;
}

void HttpRequests::Refuse(std::string reason) {
  reason_ = std::move(reason);
  state_ = State::kRefused;
  held_.clear();
}

}  // namespace rune::sandbox
