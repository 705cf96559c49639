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
  /// Bytes sent to `target` on all ports. Of one that has no entry any more: to all such together, so that filling the
  /// ledger lifts no cap.
  std::uint64_t SentTo(const std::string& target) const;
  std::vector<Egress> Entries() const;

 private:
  std::map<std::pair<std::string, std::uint16_t>, Egress> entries_;
  std::size_t only_refused_ = 0;  ///< Entries made by Refuse().
};

}  // namespace rune::sandbox
