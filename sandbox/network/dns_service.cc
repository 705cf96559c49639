#include "sandbox/network/dns_service.h"

#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxNames = 4096;
constexpr std::uint32_t kTtl = 60;
/// 198.18.0.1 is what stand-ins give as their own address.
constexpr std::uint32_t kFirstFake = 0xC6120002;
constexpr std::size_t kFakes = 0xC613FFFF - kFirstFake;  ///< All but the last one of the range, 198.19.255.255.

IpAddress FakeAt(std::size_t position) {
  const auto value = static_cast<std::uint32_t>(kFirstFake + position);
  IpAddress address;
  for (std::size_t i = 0; i < 4; ++i) address.bytes[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
  return address;
}

std::uint32_t ValueOf(const IpAddress& address) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | address.bytes[i];
  return value;
}

/// RFC 6761 6.3: never asked of anyone.
bool IsLocalhost(std::string_view name) { return name == "localhost" || name.ends_with(".localhost"); }

/// "2.0.18.198.in-addr.arpa" and the like: nobody's name, so its refusal is no news.
bool IsReverse(std::string_view name) { return name.ends_with(".in-addr.arpa") || name.ends_with(".ip6.arpa"); }

/// Of "_http._tcp.deb.example": "deb.example", whose services are asked for (RFC 2782).
std::string_view HostOfService(std::string_view name) {
  while (name.starts_with('_') && name.find('.') != std::string_view::npos) name.remove_prefix(name.find('.') + 1);
  return name;
}

DnsAnswer Refusal(DnsCode code) {
  DnsAnswer answer;
  answer.code = code;
  return answer;
}

}  // namespace

std::optional<std::string> DnsService::Answer(std::string_view message) {
  const auto query = ReadDnsQuery(message);
  if (!query) return std::nullopt;
  return WriteDnsAnswer(*query, query->well_formed ? Decide(*query) : Refusal(DnsCode::kFormErr));
}

DnsAnswer DnsService::Decide(const DnsQuery& query) {
  DnsAnswer answer;
  answer.ttl = kTtl;
  if (IsLocalhost(query.name)) {
    if (query.type == kDnsA) answer.address = ParseIp("127.0.0.1");
    return answer;
  }
  if (IsReverse(query.name)) return Refusal(DnsCode::kNxDomain);
  // There is none, and asking is how an allowed name is used.
  if (query.name.starts_with('_') && options_.rules->KnowsName(HostOfService(query.name))) return answer;
  // The other question of a pair is the same lookup.
  const bool counts = query.type != kDnsAaaa;
  const bool known = options_.rules->KnowsName(query.name);
  if (!known) {
    if (counts) options_.ledger->Refuse(query.name, 0);
    if (!options_.every_name) {
      if (counts || !options_.notes->Has(DeniedBy::kNames, DeniedAct::kLookup, query.name)) {
        options_.notes->Add({.by = DeniedBy::kNames,
                             .what = DeniedAct::kLookup,
                             .target = query.name,
                             .remedy = DomainRemedy(query.name, 0)});
      }
      answer = Refusal(DnsCode::kNxDomain);
      answer.prohibited = true;
      return answer;
    }
  }
  if (counts) ++options_.ledger->At(query.name, 0).lookups;
  if (query.type != kDnsA) return answer;
  answer.address = FakeFor(query.name);
  return answer;
}

IpAddress DnsService::FakeFor(const std::string& name) {
  if (const auto found = addresses_.find(name); found != addresses_.end()) return found->second;
  if (names_.size() == kMaxNames) {
    addresses_.erase(names_.front());
    names_.pop_front();
    first_ = (first_ + 1) % kFakes;
  }
  const IpAddress address = FakeAt((first_ + names_.size()) % kFakes);
  names_.push_back(name);
  addresses_.emplace(name, address);
  return address;
}

std::optional<std::string> DnsService::NameOf(const IpAddress& address) const {
  if (!address.is_v4()) return std::nullopt;
  const std::uint32_t value = ValueOf(address);
  if (value < kFirstFake || value - kFirstFake >= kFakes) return std::nullopt;
  const std::size_t position = (value - kFirstFake + kFakes - first_) % kFakes;
  if (position >= names_.size()) return std::nullopt;
  return names_[position];
}

}  // namespace rune::sandbox
