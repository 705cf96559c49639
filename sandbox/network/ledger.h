#pragma once
/// What left and what came in, by name: the egress ledger of one command, summed up in its report.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/report.h"

namespace rune::sandbox {

/// At most 2,048 targets; what comes after them is counted under "(others)".
class EgressLedger {
 public:
  Egress& At(const std::string& target, std::uint16_t port);
  /// One refusal. Of targets that were never anything but refused at most 256 are told apart, so that no command can
  /// fill the ledger with them and hide what it sends afterwards.
  void Refuse(const std::string& target, std::uint16_t port);
  std::vector<Egress> Entries() const;

  /// What counts against the limit of one entry of the rules (DomainAllowlist::AccountOf()), to whatever targets.
  void Charge(const std::string& account, std::uint64_t bytes) { charged_[account] += bytes; }
  std::uint64_t Charged(const std::string& account) const;
  const std::map<std::string, std::uint64_t>& charged() const { return charged_; }

 private:
  std::map<std::pair<std::string, std::uint16_t>, Egress> entries_;
  std::map<std::string, std::uint64_t> charged_;  ///< As many as there are entries of the rules.
  std::size_t only_refused_ = 0;                  ///< Entries made by Refuse().
};

}  // namespace rune::sandbox
