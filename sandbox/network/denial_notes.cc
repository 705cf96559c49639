#include "sandbox/network/denial_notes.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sandbox/base/text.h"
#include "sandbox/domain_allowlist.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxNotes = 256;
constexpr std::size_t kMaxTarget = 256;
constexpr const char* kOthers = "(others)";

}  // namespace

void DenialNotes::Add(Denial denial) {
  denial.target = OneLine(denial.target, kMaxTarget);
  denial.count = 1;
  std::tuple key{denial.by, denial.what, denial.target};
  if (!index_.contains(key) && notes_.size() >= kMaxNotes) {
    std::get<2>(key) = denial.target = kOthers;
    denial.remedy = {};
  }
  const auto [entry, is_new] = index_.try_emplace(std::move(key), notes_.size());
  if (is_new) {
    notes_.push_back(std::move(denial));
  } else {
    ++notes_[entry->second].count;
  }
}

bool DenialNotes::Has(DeniedBy by, DeniedAct what, const std::string& target) const {
  return index_.contains({by, what, OneLine(target, kMaxTarget)});
}

void DenialNotes::Forget(DeniedBy by, DeniedAct what, const std::string& target) {
  const auto entry = index_.find({by, what, OneLine(target, kMaxTarget)});
  if (entry != index_.end()) notes_[entry->second].count = 0;
}

std::vector<Denial> DenialNotes::All() const {
  std::vector<Denial> all;
  std::copy_if(notes_.begin(), notes_.end(), std::back_inserter(all),
               [](const Denial& note) { return note.count > 0; });
  return all;
}

Remedy DomainRemedy(const std::string& host, std::uint16_t port) {
  const auto entry = EntryFor(host, port);
  return entry ? RemedyOf(Grant::kDomain, *entry) : Remedy();
}

}  // namespace rune::sandbox
