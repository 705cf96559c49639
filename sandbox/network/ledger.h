#pragma once
/// What left and what came in, by name: the egress ledger of one command, summed up in its report.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/sandbox.h"

namespace rune::sandbox {

/// At most 512 targets; what comes after them is counted under "(others)".
class EgressLedger {
 public:
  Egress& At(const std::string& target, std::uint16_t port);
  /// Bytes sent to `target` on all ports.
  std::uint64_t SentTo(const std::string& target) const;
  std::vector<Egress> Entries() const;

 private:
  std::map<std::pair<std::string, std::uint16_t>, Egress> entries_;
};

}  // namespace rune::sandbox
