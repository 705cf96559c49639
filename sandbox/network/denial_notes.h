#pragma once
/// The refusals of one command: one entry per layer, act and target, counted. At most 256 of them; the rest counts as
/// "(others)", so that no command can fill the report.

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "sandbox/denial.h"

namespace rune::sandbox {

class DenialNotes {
 public:
  /// The target is untrusted; it is made safe here. The count is ours.
  void Add(Denial denial);
  /// It turned out to be none.
  void Forget(DeniedBy by, DeniedAct what, const std::string& target);
  bool Has(DeniedBy by, DeniedAct what, const std::string& target) const;
  /// In the order in which they happened first.
  std::vector<Denial> All() const;

 private:
  std::map<std::tuple<DeniedBy, DeniedAct, std::string>, std::size_t> index_;
  std::vector<Denial> notes_;  ///< Those with a count of 0 are forgotten.
};

/// The entry that allows a name or an address with a port: EntryFor(). 0: to look it up.
Remedy DomainRemedy(const std::string& host, std::uint16_t port);

}  // namespace rune::sandbox
