#include "sandbox/guardian/cpu_account.h"

#include <algorithm>
#include <utility>

namespace rune::sandbox {
namespace {

using Microseconds = CpuAccount::Microseconds;

Microseconds TimeOf(const timeval& time) { return std::chrono::seconds(time.tv_sec) + Microseconds(time.tv_usec); }
Microseconds TimeOf(const rusage& usage) { return TimeOf(usage.ru_utime) + TimeOf(usage.ru_stime); }

}  // namespace

Microseconds CpuAccount::Tree::Total() const {
  Microseconds sum = lost + orphans + hidden;
  for (const auto& [pid, process] : seen) sum += process.own + process.waited;
  return sum;
}

void CpuAccount::Add(pid_t root) {
  trees_[root];
  BeginSpan();
}

void CpuAccount::Look(const std::vector<ProcessInfo>& all) {
  for (auto& [root, tree] : trees_) {
    std::map<pid_t, Seen> now;
    std::map<pid_t, pid_t> parents;
    for (const ProcessInfo& info : all) parents[info.pid] = info.parent;
    for (const pid_t pid : rune::sandbox::Tree(all, root)) {
      const auto times = CpuTimesOf(pid);
      if (times) now[pid] = {parents[pid], times->own, times->waited};
    }
    LookAt(tree, std::move(now));
  }
  looked_ = true;
  share_ = Share();
}

/// What vanished had its time added to that of whoever waited for it: its nearest ancestor that still lives. Less was
/// added: nobody waited.
void CpuAccount::LookAt(Tree& tree, std::map<pid_t, Seen> now) {
  std::map<pid_t, Microseconds> expected;
  for (const auto& [pid, process] : tree.seen) {
    if (now.contains(pid)) continue;
    pid_t ancestor = process.parent;
    while (!now.contains(ancestor) && tree.seen.contains(ancestor)) ancestor = tree.seen.at(ancestor).parent;
    expected[ancestor] += process.own + process.waited;
  }
  for (const auto& [ancestor, time] : expected) {
    const auto found = now.find(ancestor);
    // It was not there at the last look, or not in this tree: the time is nowhere else.
    const Microseconds before = tree.seen.contains(ancestor) ? tree.seen.at(ancestor).waited : Microseconds(0);
    const Microseconds added = found == now.end() ? Microseconds(0) : found->second.waited - before;
    tree.lost += std::max(Microseconds(0), time - added);
  }
  tree.seen = std::move(now);
}

Microseconds CpuAccount::Of(pid_t root) const {
  const auto found = trees_.find(root);
  return found == trees_.end() ? Microseconds(0) : found->second.Total() + share_;
}

void CpuAccount::AddOrphan(pid_t root, const rusage& usage) {
  const auto found = trees_.find(root);
  if (found != trees_.end()) found->second.orphans += TimeOf(usage);
}

Microseconds CpuAccount::End(pid_t root, const rusage& usage) {
  const auto found = trees_.find(root);
  if (found == trees_.end()) return TimeOf(usage);
  Tree& tree = found->second;
  const Microseconds known = tree.lost + tree.orphans + tree.hidden + TimeOf(usage);
  Microseconds total = std::max(known, tree.Total());
  if (trees_.size() == 1) {
    const auto group = GroupUsage();
    if (group && span_) total = std::max(total, tree.at_span + *group - *span_);
  } else if (looked_) {
    total = std::max(total, tree.Total() + share_);
  }
  trees_.erase(root);
  BeginSpan();
  return total;
}

std::optional<Microseconds> CpuAccount::GroupUsage() const {
  const auto used = group_ == nullptr ? std::nullopt : group_->cpu_us();
  if (!used) return std::nullopt;
  rusage self{};
  ::getrusage(RUSAGE_SELF, &self);
  return Microseconds(*used) - TimeOf(self);
}

/// What the group knows of each tree of this span beyond what was seen of it. Several that were not looked at cannot be
/// told from what is hidden.
Microseconds CpuAccount::Share() const {
  if (!span_ || trees_.empty() || !looked_) return Microseconds(0);
  const auto used = GroupUsage();
  if (!used) return Microseconds(0);
  Microseconds hidden = *used - *span_;
  for (const auto& [root, tree] : trees_) hidden -= tree.Total() - tree.at_span;
  return std::max(Microseconds(0), hidden / static_cast<std::int64_t>(trees_.size()));
}

void CpuAccount::BeginSpan() {
  for (auto& [root, tree] : trees_) {
    tree.hidden += share_;
    tree.at_span = tree.Total();
  }
  share_ = Microseconds(0);
  looked_ = false;
  span_ = trees_.empty() ? std::nullopt : GroupUsage();
}

}  // namespace rune::sandbox
