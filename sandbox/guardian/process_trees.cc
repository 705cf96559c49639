#include "sandbox/guardian/process_trees.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sandbox/guardian/buffer_use.h"
#include "sandbox/guardian/descriptor_room.h"
#include "sandbox/guardian/system_v.h"

namespace rune::sandbox {
namespace {

constexpr Milliseconds kCountInterval{50};
constexpr Milliseconds kSweepInterval{5};
constexpr Milliseconds kDiskInterval{250};

/// Stopped first, so that nothing forks between being listed and being killed; what still escapes becomes an orphan.
void KillTree(pid_t root) {
  const DescriptorReserve reserve;
  for (const pid_t pid : Tree(ListProcesses(), root)) ::kill(pid, SIGSTOP);
  for (const pid_t pid : Tree(ListProcesses(), root)) ::kill(pid, SIGKILL);
}

}  // namespace

Trees::Trees(EventLoop& loop, const RunLimits& limits, const RunCgroup* group, SystemV system_v, EndedCallback ended)
    : loop_(loop),
      limits_(limits),
      group_(group),
      ended_(std::move(ended)),
      system_v_(system_v),
      counts_(group == nullptr || !group->has_memory() || !group->has_pids()),
      cpu_(group),
      disk_(limits.disk_bytes) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signal_fd_.Reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  loop_.Watch(signal_fd_.get(), POLLIN, [this](short) {
    signalfd_siginfo info;
    while (::read(signal_fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) continue;
    Reap();
  });
}

Trees::~Trees() {
  loop_.Unwatch(signal_fd_.get());
  loop_.CancelTimer(count_timer_);
  loop_.CancelTimer(sweep_timer_);
  loop_.CancelTimer(disk_timer_);
  for (const auto& [pid, root] : roots_) {
    loop_.CancelTimer(root.wall_timer);
    loop_.CancelTimer(root.grace_timer);
  }
}

void Trees::Add(pid_t root, const TreeOptions& options) {
  Root& added = roots_[root];
  added.options = options;
  cpu_.Add(root);
  if (disk_.limited() && disk_timer_ == 0) ScheduleDisk();
  if (options.wall.count() > 0) {
    added.wall_timer = loop_.At(options.started + options.wall, [this, root] { Kill(root, LimitHit::kWall); });
  }
  if ((counts_ || options.cpu_seconds > 0) && count_timer_ == 0) ScheduleCount();
}

void Trees::Kill(pid_t root, LimitHit limit, Milliseconds grace) {
  const auto found = roots_.find(root);
  if (found == roots_.end() || found->second.ended) return;  // its number may be another process's by now
  if (limit == LimitHit::kNone) {
    found->second.tree.cancelled = true;
  } else {
    found->second.tree.limit = limit;
  }
  if (grace.count() == 0) return KillTree(root);
  for (const pid_t pid : Tree(ListProcesses(), root)) ::kill(pid, SIGTERM);
  loop_.CancelTimer(found->second.grace_timer);
  found->second.grace_timer = loop_.At(Clock::now() + grace, [root] { KillTree(root); });
}

void Trees::KillAll(TimePoint deadline) {
  for (const auto& [pid, root] : roots_) Kill(pid, LimitHit::kNone);
  if (disk_counter_ > 0) ::kill(disk_counter_, SIGKILL);
  loop_.Drain([this] { return roots_.empty() && ChildrenOfSelf().empty(); }, deadline);
}

void Trees::Reap() {
  int status = 0;
  rusage usage{};
  pid_t pid = 0;
  while ((pid = ::wait4(-1, &status, WNOHANG, &usage)) > 0) {
    if (pid == disk_counter_) {
      OnDiskCounted(status);
      continue;
    }
    const auto found = roots_.find(pid);
    if (found == roots_.end()) {
      dying_.erase(pid);
      cpu_.AddOrphan(OwnerOfOrphans(), usage);
      continue;
    }
    Root& root = found->second;
    root.ended = Clock::now();
    root.tree.status = status;
    root.tree.usage = usage;
    loop_.CancelTimer(root.wall_timer);
    loop_.CancelTimer(root.grace_timer);
  }
  // ECHILD: no child is left at all, so no orphan either.
  Finish(pid < 0 ? Orphans::kNone : Orphans::kPerhaps);
}

/// An orphan has outlived its root: the tree that has ended and is not reported yet. Which of several is not known.
pid_t Trees::OwnerOfOrphans() const {
  const auto ended =
      std::find_if(roots_.begin(), roots_.end(), [](const auto& entry) { return entry.second.ended.has_value(); });
  return ended == roots_.end() ? 0 : ended->first;
}

/// Kills every child that is no root. True when there was one.
bool Trees::SweepOrphans() {
  const DescriptorReserve reserve;
  const auto owner = roots_.find(OwnerOfOrphans());
  bool any = false;
  for (const pid_t pid : ChildrenOfSelf()) {
    if (roots_.contains(pid) || pid == disk_counter_) continue;
    any = true;
    ::kill(pid, SIGKILL);
    if (dying_.insert(pid).second && owner != roots_.end()) ++owner->second.tree.leftovers;
  }
  return any;
}

/// Reports the trees whose roots have ended, once nothing of them is left.
void Trees::Finish(Orphans orphans) {
  const bool ended =
      std::any_of(roots_.begin(), roots_.end(), [](const auto& entry) { return entry.second.ended.has_value(); });
  if (orphans == Orphans::kPerhaps && SweepOrphans()) {
    // They die now and their own orphans come next; SIGCHLD wakes us, the timer covers what it may merge.
    if (sweep_timer_ == 0) {
      sweep_timer_ = loop_.At(Clock::now() + kSweepInterval, [this] {
        sweep_timer_ = 0;
        Reap();
      });
    }
    if (ended) return;
  }
  for (auto it = roots_.begin(); it != roots_.end();) {
    const auto root = it++;
    if (root->second.ended) Conclude(root);
  }
}

void Trees::Conclude(std::map<pid_t, Root>::iterator root) {
  auto node = roots_.extract(root);
  EndedTree& tree = node.mapped().tree;
  tree.wall = *node.mapped().ended - node.mapped().options.started;
  CountLimits(node.mapped());
  tree.limit = LimitOf(node.mapped());
  tree.cpu = cpu_.End(node.key(), tree.usage);
  ended_(node.key(), tree);
}

/// What the limits of the run did since the command before it ended. The run's, not the command's: with several at once
/// it is told to the first that failed, for whom nothing went wrong is not the one.
void Trees::CountLimits(Root& root) {
  if (group_ == nullptr) return;
  EndedTree& tree = root.tree;
  const bool failed = !WIFEXITED(tree.status) || WEXITSTATUS(tree.status) != 0;
  const bool tries = root.options.tries_limits;  // nobody is told of it
  if (!failed && !tries && !roots_.empty()) return;
  const std::uint64_t ooms = group_->oom_kills();
  const std::uint64_t refusals = group_->pids_refusals();
  const std::uint64_t killed = ooms - std::exchange(ooms_seen_, ooms);
  const std::uint64_t refused = refusals - std::exchange(refusals_seen_, refusals);
  if (tries) return;
  tree.oom_kills = static_cast<std::uint32_t>(killed);
  tree.forks_refused = static_cast<std::uint32_t>(refused);
}

LimitHit Trees::LimitOf(const Root& root) {
  const EndedTree& tree = root.tree;
  if (tree.limit != LimitHit::kNone) return tree.limit;
  if (root.options.tries_limits) return LimitHit::kNone;
  const bool by_signal = WIFSIGNALED(tree.status);
  if (by_signal && WTERMSIG(tree.status) == SIGXCPU) return LimitHit::kCpu;
  if (by_signal && WTERMSIG(tree.status) == SIGXFSZ) return LimitHit::kFileSize;
  const bool failed = by_signal || WEXITSTATUS(tree.status) != 0;
  if (!failed || tree.cancelled) return LimitHit::kNone;
  if (tree.oom_kills > 0) return LimitHit::kMemory;
  if (tree.forks_refused > 0) return LimitHit::kPids;
  return LimitHit::kNone;
}

void Trees::ScheduleCount() {
  count_timer_ = loop_.At(Clock::now() + kCountInterval, [this] {
    count_timer_ = 0;
    Count();
    if (!roots_.empty()) ScheduleCount();
  });
}

/// RLIMIT_CPU holds each process; together they are held here.
void Trees::KillOverCpu() {
  for (const auto& [pid, root] : roots_) {
    const std::chrono::seconds limit(root.options.cpu_seconds);
    if (limit.count() == 0 || root.ended || cpu_.Of(pid) <= limit) continue;
    Kill(pid, LimitHit::kCpu);
  }
}

void Trees::Count() {
  const DescriptorReserve reserve;
  SweepOrphans();
  const std::vector<ProcessInfo> all = ListProcesses();
  cpu_.Look(all);
  KillOverCpu();
  if (counts_) KillLargest(all);
}

/// The limit belongs to the run, so the largest tree pays for all of them. What fled from its tree counts until the
/// sweep has it.
void Trees::KillLargest(const std::vector<ProcessInfo>& all) {
  const bool buffers_count = (group_ == nullptr || !group_->has_memory()) && limits_.memory_bytes > 0;
  const TreeUsage total = UsageOfTree(all, ::getpid());
  const std::uint64_t unowned = system_v_ == SystemV::kOfTheRun ? SystemVBytes() : 0;
  const bool too_much = limits_.memory_bytes > 0 && total.memory_bytes + unowned > limits_.memory_bytes;
  const bool too_many = limits_.pids > 0 && total.threads > limits_.pids + 1;  // this process is one of them
  const bool too_full = buffers_count && BuffersOfTree(all, ::getpid()) > limits_.memory_bytes;
  if (!too_much && !too_many && !too_full) return;
  pid_t largest = 0;
  std::uint64_t most = 0;
  for (const auto& [pid, root] : roots_) {
    if (root.ended) continue;
    const TreeUsage usage = UsageOfTree(all, pid);
    const std::uint64_t weight = too_much ? usage.memory_bytes : too_many ? usage.threads : BuffersOfTree(all, pid);
    if (largest != 0 && weight < most) continue;
    largest = pid, most = weight;
  }
  if (largest != 0) Kill(largest, too_many && !too_much ? LimitHit::kPids : LimitHit::kMemory);
}

void Trees::ScheduleDisk() {
  disk_timer_ = loop_.At(Clock::now() + kDiskInterval, [this] {
    disk_timer_ = 0;
    LookAtDisk();
    if (!roots_.empty()) ScheduleDisk();
  });
}

void Trees::LookAtDisk() {
  if (disk_counter_ == 0 && disk_.Suspicious()) disk_counter_ = std::max<pid_t>(disk_.StartCount(), 0);
}

/// Whose doing it was cannot be told: whatever runs pays.
void Trees::OnDiskCounted(int status) {
  disk_counter_ = 0;
  disk_.Counted();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != DiskUse::kOver) return;
  for (const auto& [pid, root] : roots_) {
    if (!root.ended && !root.options.tries_limits) Kill(pid, LimitHit::kDisk);
  }
}

}  // namespace rune::sandbox
