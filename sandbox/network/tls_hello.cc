#include "sandbox/network/tls_hello.h"

#include <algorithm>
#include <optional>

#include "sandbox/domain_allowlist.h"

namespace rune::sandbox {
namespace {

using std::string_view;
using State = TlsHello::State;

constexpr std::size_t kMaxBytes = 16 << 10;
constexpr std::size_t kMaxFragment = 1 << 14;  // RFC 8446 5.1
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kClientHello = 1;
constexpr std::uint16_t kServerName = 0;  // RFC 6066 3
constexpr std::uint8_t kHostName = 0;

/// Vectors of the TLS presentation language (RFC 8446 3.4): a length of 1 to 3 bytes and so many bytes.
class Reader {
 public:
  explicit Reader(string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }
  string_view rest() const { return rest_; }

  string_view Take(std::size_t size) {
    if (rest_.size() < size) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  std::size_t Number(std::size_t size) {
    std::size_t value = 0;
    for (const char c : Take(size)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  string_view Vector(std::size_t length_size) { return Take(Number(length_size)); }

 private:
  string_view rest_;
  bool ok_ = true;
};

/// The only entry of a ServerNameList.
TlsHello ReadServerName(string_view extension) {
  Reader outer(extension);
  Reader list(outer.Vector(2));
  const std::size_t type = list.Number(1);
  const string_view name = list.Vector(2);
  if (!outer.ok() || !outer.empty() || !list.ok() || !list.empty() || type != kHostName) return {State::kMalformed};
  auto normal = NormalizeHostName(name);
  return normal ? TlsHello{State::kName, *std::move(normal)} : TlsHello{State::kMalformed};
}

TlsHello ReadBody(string_view body) {
  Reader reader(body);
  const std::size_t major = reader.Number(2) >> 8;
  reader.Take(32);  // random
  const string_view session = reader.Vector(1);
  const string_view suites = reader.Vector(2);
  const string_view compressions = reader.Vector(1);
  if (!reader.ok() || major != 3 || session.size() > 32 || suites.empty() || suites.size() % 2 != 0 ||
      compressions.empty()) {
    return {State::kMalformed};
  }
  if (reader.empty()) return {State::kNoName};  // before extensions (RFC 2246)
  Reader extensions(reader.Vector(2));
  if (!reader.ok() || !reader.empty()) return {State::kMalformed};
  std::optional<TlsHello> found;
  while (!extensions.empty()) {
    const std::size_t type = extensions.Number(2);
    const string_view data = extensions.Vector(2);
    if (!extensions.ok()) break;
    if (type != kServerName) continue;
    if (found) return {State::kMalformed};  // RFC 8446 4.2: no type twice
    found = ReadServerName(data);
  }
  if (!extensions.ok()) return {State::kMalformed};
  return found.value_or(TlsHello{State::kNoName});
}

/// A ClientHello in the form of SSL 2, which some servers still take (RFC 5246 E.2): a length of two bytes with the
/// highest bit set, type 1, the version.
TlsHello ReadOldHello(string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  if (bytes.size() > 2 && byte(2) != kClientHello) return {State::kNotTls};
  if (bytes.size() > 3 && byte(3) != 3 && byte(3) != 0) return {State::kNotTls};
  if (bytes.size() < 5) return {State::kIncomplete};
  return {byte(3) == 3 || byte(4) == 2 ? State::kNoName : State::kNotTls};
}

}  // namespace

TlsHello ReadTlsHello(string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  if (!bytes.empty() && byte(0) >= 0x80) return ReadOldHello(bytes);
  if (!bytes.empty() && byte(0) != kHandshake) return {State::kNotTls};
  if (bytes.size() > 1 && byte(1) != 3) return {State::kNotTls};
  const TlsHello incomplete = {bytes.size() < kMaxBytes ? State::kIncomplete : State::kMalformed};
  Reader records(bytes.substr(0, kMaxBytes));
  std::string message;  // fragments of the handshake put together
  while (!records.empty()) {
    // Only as far as it is there: what breaks the rules is said at once, not when the record is whole.
    if (static_cast<std::uint8_t>(records.rest()[0]) != kHandshake) return {State::kMalformed};
    if (records.rest().size() > 1 && records.rest()[1] != 3) return {State::kMalformed};
    if (records.rest().size() < 5) return incomplete;
    records.Take(3);
    const std::size_t size = records.Number(2);
    if (size == 0 || size > kMaxFragment) return {State::kMalformed};
    const std::size_t there = std::min(size, records.rest().size());
    message += records.Take(there);
    if (!message.empty() && static_cast<std::uint8_t>(message[0]) != kClientHello) return {State::kMalformed};
    if (message.size() < 4) {
      if (there < size) return incomplete;
      continue;
    }
    Reader head(string_view(message).substr(1));
    const std::size_t body = head.Number(3);
    if (body > kMaxBytes) return {State::kMalformed};
    if (there < size) return incomplete;
    // Nothing else may share the records of a ClientHello (RFC 8446 5.1).
    if (head.rest().size() > body) return {State::kMalformed};
    if (head.rest().size() == body) {
      TlsHello hello = ReadBody(head.rest());
      hello.size = std::min(bytes.size(), kMaxBytes) - records.rest().size();
      return hello;
    }
  }
  return incomplete;
}

}  // namespace rune::sandbox
