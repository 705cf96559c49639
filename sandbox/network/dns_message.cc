#include "sandbox/network/dns_message.h"

#include <algorithm>
#include <map>

#include "sandbox/base/list.h"
#include "sandbox/base/text.h"
#include "sandbox/domain_allowlist.h"

namespace rune::sandbox {
namespace {

using std::string_view;

constexpr std::size_t kHeader = 12;
constexpr std::size_t kMaxWireName = 255;  // RFC 1035 2.3.4
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kCname = 5;
constexpr std::uint16_t kOpt = 41;              // RFC 6891
constexpr std::uint16_t kExtendedError = 15;    // RFC 8914: an EDNS option
constexpr std::uint16_t kErrorProhibited = 18;  // RFC 8914 4.19
constexpr std::uint16_t kUdpPayload = 1232;
constexpr int kMaxChain = 16;

constexpr std::uint16_t kResponse = 0x8000;
constexpr std::uint16_t kOpcode = 0x7800;
constexpr std::uint16_t kTruncated = 0x0200;
constexpr std::uint16_t kRecursionDesired = 0x0100;
constexpr std::uint16_t kRecursionAvailable = 0x0080;
constexpr std::uint16_t kCodeMask = 0x000f;

/// Bounds-checked reading; after a step over the end everything reads as 0 and ok() is false.
class Reader {
 public:
  explicit Reader(string_view message) : message_(message) {}

  bool ok() const { return ok_; }
  std::size_t at() const { return at_; }
  bool at_end() const { return at_ == message_.size(); }

  std::uint8_t U8() {
    const string_view byte = Take(1);
    return byte.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(byte[0]);
  }
  std::uint16_t U16() {
    const unsigned high = U8();
    return static_cast<std::uint16_t>(high << 8 | U8());
  }
  std::uint32_t U32() {
    const std::uint32_t high = U16();
    return high << 16 | U16();
  }
  string_view Take(std::size_t size) {
    if (!ok_ || message_.size() - at_ < size) {
      ok_ = false;
      return {};
    }
    at_ += size;
    return message_.substr(at_ - size, size);
  }

  enum class Pointers { kNone, kBackwards };
  /// A name in lower case and in wire form without its final 0, so that a dot within a label stays what it is.
  std::string Name(Pointers pointers) {
    std::string out;
    std::size_t segment = at_;             // a pointer leads to before the part that holds it: no loops
    std::optional<std::size_t> continued;  // where reading goes on behind the first pointer
    while (ok_) {
      const std::uint8_t length = U8();
      if (length >= 0xc0 && pointers == Pointers::kBackwards) {
        const std::size_t target = static_cast<std::size_t>(length & 0x3f) << 8 | U8();
        if (!continued) continued = at_;
        ok_ = ok_ && target >= kHeader && target < segment;
        if (ok_) at_ = segment = target;
        continue;
      }
      if (length == 0) break;
      ok_ = ok_ && length < 0x40 && out.size() + length + 2 <= kMaxWireName;
      const string_view label = Take(length);
      out += static_cast<char>(length);
      out += ToLower(label);
    }
    if (continued && ok_) at_ = *continued;
    return ok_ ? out : std::string();
  }

 private:
  string_view message_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

void PutU16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}
void PutU32(std::string& out, std::uint32_t value) {
  PutU16(out, static_cast<std::uint16_t>(value >> 16));
  PutU16(out, static_cast<std::uint16_t>(value & 0xffff));
}

/// As a host name, or nullopt.
std::optional<std::string> HostName(string_view wire) {
  std::string text;
  while (!wire.empty()) {
    const auto length = static_cast<std::size_t>(wire[0]);
    const string_view label = wire.substr(1, length);
    if (label.find('.') != string_view::npos) return std::nullopt;
    if (!text.empty()) text += '.';
    text += label;
    wire.remove_prefix(length + 1);
  }
  return NormalizeHostName(text);
}

/// `name` is normalised.
std::string WireName(string_view name) {
  std::string out;
  for (const string_view label : Split(name, '.')) {
    out += static_cast<char>(label.size());
    out += label;
  }
  return out;
}

struct Head {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::uint16_t questions = 0;
  std::uint16_t answers = 0;
  std::uint16_t authorities = 0;
  std::uint16_t additional = 0;
};
Head ReadHead(Reader& reader) {
  Head head;
  for (std::uint16_t* field :
       {&head.id, &head.flags, &head.questions, &head.answers, &head.authorities, &head.additional}) {
    *field = reader.U16();
  }
  return head;
}

/// The one additional record that a query may have: OPT, version 0.
bool ReadOpt(Reader& reader) {
  const std::uint8_t root = reader.U8();
  const std::uint16_t type = reader.U16();
  reader.U16();  // payload size: our answers are always small
  const std::uint32_t flags = reader.U32();
  reader.Take(reader.U16());
  return reader.ok() && root == 0 && type == kOpt && (flags >> 16 & 0xff) == 0;
}

struct Records {
  struct Alias {
    std::string target;
    std::uint32_t ttl = 0;
  };
  struct Host {
    IpAddress address;
    std::uint32_t ttl = 0;
  };
  std::map<std::string, Alias> aliases;
  std::multimap<std::string, Host> hosts;
};

/// False when the record is broken.
bool ReadRecord(Reader& reader, string_view message, std::uint16_t wanted, Records& out) {
  const std::string owner = reader.Name(Reader::Pointers::kBackwards);
  const std::uint16_t type = reader.U16();
  const std::uint16_t record_class = reader.U16();
  const std::uint32_t raw_ttl = reader.U32();
  const std::uint32_t ttl = raw_ttl > 0x7fffffff ? 0 : raw_ttl;  // RFC 2181 8
  const std::uint16_t size = reader.U16();
  const std::size_t start = reader.at();
  const string_view data = reader.Take(size);
  if (!reader.ok() || record_class != kClassIn) return reader.ok();
  if (type == kCname) {
    Reader target(message.substr(0, start + size));
    target.Take(start);
    std::string name = target.Name(Reader::Pointers::kBackwards);
    if (!target.ok() || !target.at_end()) return false;
    out.aliases.try_emplace(owner, Records::Alias{std::move(name), ttl});
  } else if (type == wanted) {
    IpAddress address;
    address.size = wanted == kDnsA ? 4 : 16;
    if (data.size() != address.size) return false;
    std::copy(data.begin(), data.end(), address.bytes.begin());
    out.hosts.emplace(owner, Records::Host{address, ttl});
  }
  return true;
}

/// What the records say about `name`: only those that its own chain leads to count.
void Follow(const Records& records, std::string name, DnsReply& reply) {
  std::uint32_t ttl = 0x7fffffff;
  int hops = 0;
  for (auto alias = records.aliases.find(name); alias != records.aliases.end(); alias = records.aliases.find(name)) {
    if (++hops > kMaxChain) {
      reply.code = DnsCode::kServFail;
      return;
    }
    ttl = std::min(ttl, alias->second.ttl);
    name = alias->second.target;
  }
  const auto [begin, end] = records.hosts.equal_range(name);
  for (auto host = begin; host != end; ++host) {
    ttl = std::min(ttl, host->second.ttl);
    AddOnce(reply.addresses, host->second.address);
  }
  if (hops > 0 || begin != end) reply.ttl = ttl;
}

DnsCode CodeOf(std::uint16_t flags) {
  switch (flags & kCodeMask) {
    case 0:
      return DnsCode::kNoError;
    case 1:
      return DnsCode::kFormErr;
    case 3:
      return DnsCode::kNxDomain;
    case 5:
      return DnsCode::kRefused;
    default:
      return DnsCode::kServFail;
  }
}

}  // namespace

std::optional<DnsQuery> ReadDnsQuery(string_view message) {
  Reader reader(message);
  const Head head = ReadHead(reader);
  if (!reader.ok() || (head.flags & kResponse) != 0) return std::nullopt;
  DnsQuery query;
  query.id = head.id;
  query.recursion_desired = (head.flags & kRecursionDesired) != 0;
  if (head.questions != 1 || message.size() > kMaxDnsMessage) return query;

  const std::string wire = reader.Name(Reader::Pointers::kNone);
  query.type = reader.U16();
  const std::uint16_t query_class = reader.U16();
  if (!reader.ok()) return query;
  query.question = message.substr(kHeader, reader.at() - kHeader);
  query.name = HostName(wire).value_or("");
  query.edns = head.additional == 1 && head.answers == 0 && head.authorities == 0 && ReadOpt(reader);
  const bool bare = head.answers == 0 && head.authorities == 0 && (head.additional == 0 || query.edns);
  query.well_formed = bare && reader.at_end() && query_class == kClassIn && !query.name.empty() &&
                      (head.flags & (kOpcode | kTruncated)) == 0;
  return query;
}

std::string WriteDnsAnswer(const DnsQuery& query, const DnsAnswer& answer) {
  const bool known = !query.question.empty();
  const std::uint16_t type = answer.address && answer.address->is_v4() ? kDnsA : kDnsAaaa;
  const bool has_record = known && answer.code == DnsCode::kNoError && answer.address && query.type == type;
  std::string out;
  PutU16(out, query.id);
  PutU16(out, static_cast<std::uint16_t>(kResponse | kRecursionAvailable |
                                         (query.recursion_desired ? kRecursionDesired : 0) |
                                         static_cast<unsigned>(answer.code)));
  PutU16(out, known ? 1 : 0);
  PutU16(out, has_record ? 1 : 0);
  PutU16(out, 0);
  PutU16(out, query.edns ? 1 : 0);
  out += query.question;
  if (has_record) {
    PutU16(out, 0xc000 | kHeader);  // the name of the question
    PutU16(out, type);
    PutU16(out, kClassIn);
    PutU32(out, answer.ttl);
    PutU16(out, answer.address->size);
    out.append(answer.address->bytes.begin(), answer.address->bytes.begin() + answer.address->size);
  }
  if (query.edns) {
    out += '\0';
    PutU16(out, kOpt);
    PutU16(out, kUdpPayload);
    PutU32(out, 0);
    PutU16(out, answer.prohibited ? 6 : 0);
    if (answer.prohibited) {
      PutU16(out, kExtendedError);
      PutU16(out, 2);
      PutU16(out, kErrorProhibited);
    }
  }
  return out;
}

std::string WriteDnsQuery(std::uint16_t id, string_view name, std::uint16_t type) {
  const auto normal = NormalizeHostName(name);
  if (!normal) return {};
  std::string out;
  PutU16(out, id);
  PutU16(out, kRecursionDesired);
  PutU16(out, 1);
  for (int i = 0; i < 3; ++i) PutU16(out, 0);
  out += WireName(*normal) + '\0';
  PutU16(out, type);
  PutU16(out, kClassIn);
  return out;
}

std::optional<DnsReply> ReadDnsReply(string_view message, std::uint16_t id, string_view name, std::uint16_t type) {
  const auto normal = NormalizeHostName(name);
  if (!normal || message.size() > kMaxDnsMessage) return std::nullopt;
  const std::string asked = WireName(*normal);
  Reader reader(message);
  const Head head = ReadHead(reader);
  if (head.id != id || (head.flags & kResponse) == 0 || (head.flags & kOpcode) != 0) return std::nullopt;
  if (head.questions != 1 || reader.Name(Reader::Pointers::kNone) != asked || reader.U16() != type ||
      reader.U16() != kClassIn || !reader.ok()) {
    return std::nullopt;
  }
  DnsReply reply;
  reply.code = CodeOf(head.flags);
  reply.truncated = (head.flags & kTruncated) != 0;
  if (reply.truncated || reply.code != DnsCode::kNoError) return reply;
  Records records;
  for (int i = 0; i < head.answers; ++i) {
    if (!ReadRecord(reader, message, type, records)) return std::nullopt;
  }
  Follow(records, asked, reply);
  return reply;
}

}  // namespace rune::sandbox
