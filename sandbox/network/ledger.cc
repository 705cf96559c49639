#include "sandbox/network/ledger.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxTargets = 2048;
constexpr std::size_t kMaxRefused = 256;
constexpr const char* kOthers = "(others)";

}  // namespace

Egress& EgressLedger::At(const std::string& target, std::uint16_t port) {
  if (const auto found = entries_.find({target, port}); found != entries_.end()) return found->second;
  const bool full = entries_.size() >= kMaxTargets;
  Egress& entry = entries_[full ? std::pair(std::string(kOthers), std::uint16_t{0}) : std::pair(target, port)];
  entry.target = full ? kOthers : target;
  entry.port = full ? std::uint16_t{0} : port;
  return entry;
}

void EgressLedger::Refuse(const std::string& target, std::uint16_t port) {
  if (!entries_.contains({target, port}) && ++only_refused_ > kMaxRefused) {
    ++At(kOthers, 0).refused;
  } else {
    ++At(target, port).refused;
  }
}

std::uint64_t EgressLedger::Charged(const std::string& account) const {
  const auto found = charged_.find(account);
  return found == charged_.end() ? 0 : found->second;
}

std::vector<Egress> EgressLedger::Entries() const {
  std::vector<Egress> entries;
  entries.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) entries.push_back(entry);
  return entries;
}

}  // namespace rune::sandbox
