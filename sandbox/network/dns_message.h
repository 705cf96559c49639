#pragma once
/// DNS messages (RFC 1035), just what a stub needs on both sides: reading a command's question and answering it, asking
/// an upstream server and reading what it says. All input is hostile. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/address.h"

namespace rune::sandbox {

inline constexpr std::uint16_t kDnsA = 1;
inline constexpr std::uint16_t kDnsAaaa = 28;
inline constexpr std::size_t kMaxDnsMessage = 4096;

struct DnsQuery {
  std::uint16_t id = 0;
  std::uint16_t type = 0;
  std::string name;      ///< Normalised (NormalizeHostName); empty when it is no host name.
  std::string question;  ///< The question section as sent, for the echo.
  bool recursion_desired = false;
  bool edns = false;
  bool well_formed = false;  ///< One question, class IN, QR 0, opcode 0, a usable name. Else: answer FORMERR.
};
/// nullopt when it is no DNS query at all (shorter than a header, or a response).
std::optional<DnsQuery> ReadDnsQuery(std::string_view message);

enum class DnsCode : std::uint8_t { kNoError = 0, kFormErr = 1, kServFail = 2, kNxDomain = 3, kRefused = 5 };
struct DnsAnswer {
  DnsCode code = DnsCode::kNoError;
  std::optional<IpAddress> address;  ///< With kNoError: one record of this address, or none (NODATA).
  std::uint32_t ttl = 60;
  bool prohibited = false;  ///< Extended error 18 (RFC 8914), when the query had EDNS.
};
std::string WriteDnsAnswer(const DnsQuery& query, const DnsAnswer& answer);

/// A recursive question for an upstream server, without EDNS (every server knows that). Empty when `name` is no host
/// name.
std::string WriteDnsQuery(std::uint16_t id, std::string_view name, std::uint16_t type);
struct DnsReply {
  DnsCode code = DnsCode::kServFail;
  bool truncated = false;
  std::vector<IpAddress> addresses;  ///< Of the asked type, at the end of the CNAME chain that starts at the question.
  std::uint32_t ttl = 0;             ///< The smallest of the chain.
};
/// nullopt unless it answers exactly that question (id, name, type, QR 1). Pointers may only go backwards.
std::optional<DnsReply> ReadDnsReply(std::string_view message, std::uint16_t id, std::string_view name,
                                     std::uint16_t type);

}  // namespace rune::sandbox
