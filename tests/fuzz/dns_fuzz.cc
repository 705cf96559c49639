/// DNS messages from a command and from a server: no byte outside of them is touched, what was read is usable, and what
/// we write can be read back.

#include "sandbox/domain_allowlist.h"
#include "sandbox/network/dns_message.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace rune::sandbox;
using rune::fuzz::Expect;

void CheckQuery(std::string_view message) {
  const auto query = ReadDnsQuery(message);
  if (!query) return;
  Expect(query->name.empty() || NormalizeHostName(query->name) == query->name, "a name is normalised");
  Expect(!query->well_formed || (!query->name.empty() && !query->question.empty()), "a good query has a name");
  DnsAnswer answer;
  answer.address = ParseIp(query->type == kDnsAaaa ? "fd00::1" : "198.18.0.1");
  const std::string reply = WriteDnsAnswer(*query, answer);
  Expect(reply.size() <= message.size() + 64, "an answer does not amplify");
  const auto read = ReadDnsReply(reply, query->id, query->name, query->type);
  if (!query->well_formed) return;
  Expect(read && read->code == DnsCode::kNoError, "an answer answers its question");
  const bool has_address = query->type == kDnsA || query->type == kDnsAaaa;
  Expect(read->addresses.size() == (has_address ? 1 : 0), "an answer holds the address");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view message = rune::fuzz::AsText(data, size);
  CheckQuery(message);
  const std::uint16_t id = size < 2 ? 0 : static_cast<std::uint16_t>(data[0] << 8 | data[1]);
  for (const std::uint16_t type : {kDnsA, kDnsAaaa}) {
    const auto reply = ReadDnsReply(message, id, "good.test", type);
    if (!reply) continue;
    Expect(reply->addresses.empty() || (reply->code == DnsCode::kNoError && !reply->truncated),
           "errors have no address");
    for (const IpAddress& address : reply->addresses) Expect(address.is_v4() == (type == kDnsA), "of the asked type");
  }
  return 0;
}
