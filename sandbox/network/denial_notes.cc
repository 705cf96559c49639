#include "sandbox/network/denial_notes.h"

#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxNotes = 256;
constexpr std::size_t kMaxTarget = 256;
constexpr const char* kOthers = "(others)";

}  // namespace

void DenialNotes::Add(Layer layer, const std::string& what, const std::string& target) {
  std::tuple key{layer, what, OneLine(target, kMaxTarget)};
  if (!index_.contains(key) && notes_.size() >= kMaxNotes) std::get<2>(key) = kOthers;
  const auto [entry, is_new] = index_.try_emplace(key, notes_.size());
  if (is_new) {
    notes_.push_back({std::string(LayerName(layer)), what, std::get<2>(key)});
  } else {
    ++notes_[entry->second].count;
  }
}

bool DenialNotes::Has(Layer layer, const std::string& what, const std::string& target) const {
  return index_.contains({layer, what, OneLine(target, kMaxTarget)});
}

}  // namespace rune::sandbox
