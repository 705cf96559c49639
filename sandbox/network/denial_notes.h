#pragma once
/// The refusals of one command: one entry per kind and target, counted. At most 256 of them; the rest counts as
/// "(others)", so that no command can fill the report.

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "sandbox/confinement.h"
#include "sandbox/report.h"

namespace rune::sandbox {

class DenialNotes {
 public:
  /// `target` is untrusted; it is made safe here.
  void Add(Layer layer, const std::string& what, const std::string& target);
  bool Has(Layer layer, const std::string& what, const std::string& target) const;
  /// In the order in which they happened first.
  std::vector<Denial> All() const { return notes_; }

 private:
  std::map<std::tuple<Layer, std::string, std::string>, std::size_t> index_;
  std::vector<Denial> notes_;
};

}  // namespace rune::sandbox
