#pragma once
/// The resolver of one command: answers from the rules alone. An allowed name gets an address of 198.18.0.0/15 that
/// stands for it here and nowhere else; every other name does not exist. No question leaves the machine, so nothing can
/// be told to the world by looking up names; the true address is found when the command connects.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/address.h"
#include "sandbox/domain_allowlist.h"
#include "sandbox/network/denial_notes.h"
#include "sandbox/network/dns_message.h"
#include "sandbox/network/ledger.h"

namespace rune::sandbox {

class DnsService {
 public:
  struct Options {
    const DomainAllowlist* rules = nullptr;  ///< This and the next two: borrowed.
    EgressLedger* ledger = nullptr;
    DenialNotes* notes = nullptr;
    bool every_name = false;  ///< Watch-only: no name is refused.
  };
  explicit DnsService(Options options) : options_(options) {}

  /// The answer to a message of the command; nullopt when it is no DNS query.
  std::optional<std::string> Answer(std::string_view message);
  /// The name that a fake address stands for. The last 4,096 names have one; each new name gets the next address of the
  /// range, so that one that has been given back means nothing for long, and never soon another name.
  std::optional<std::string> NameOf(const IpAddress& address) const;

 private:
  DnsAnswer Decide(const DnsQuery& query);
  IpAddress FakeFor(const std::string& name);

  Options options_;
  std::map<std::string, IpAddress, std::less<>> addresses_;
  std::deque<std::string> names_;  ///< In the order of their addresses.
  std::size_t first_ = 0;          ///< Where in the range the address of the first one is.
};

}  // namespace rune::sandbox
