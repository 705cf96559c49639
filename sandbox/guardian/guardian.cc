#include "sandbox/guardian/guardian.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "sandbox/base/paths.h"
#include "sandbox/guardian/file_operations.h"
#include "sandbox/process_tree.h"
#include "sandbox/program.h"
#include "sandbox/protocol/descriptor_passing.h"

namespace rune::sandbox {
namespace {

constexpr Milliseconds kCountInterval{50};
constexpr Milliseconds kSweepInterval{5};

std::uint64_t Microseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

ChildStatus* MapStatus() {
  void* page = ::mmap(nullptr, sizeof(ChildStatus), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? nullptr : new (page) ChildStatus;
}

/// RLIMIT_NPROC is counted per user namespace from Linux 5.14 on (getrlimit(2), ucounts in the kernel).
bool CountsPerUserNamespace() {
  utsname system{};
  int major = 0;
  int minor = 0;
  if (::uname(&system) != 0 || std::sscanf(system.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 14);
}

}  // namespace

Guardian::Guardian(EventLoop& loop, DoneCallback done) : loop_(loop), done_(std::move(done)) {
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

Guardian::~Guardian() { loop_.Unwatch(signal_fd_.get()); }

std::vector<std::string> Guardian::ToolEnvironment(const Command& command) const {
  const std::string tmp = tmp_is_private_ ? "/tmp" : tmp_dir_;
  std::vector<std::string> env{std::string("PATH=") + kToolPath, "HOME=" + tmp, "TMPDIR=" + tmp};
  for (const std::string& entry : command.env) {
    const std::string name = entry.substr(0, entry.find('=') + 1);
    std::erase_if(env, [&](const std::string& known) { return known.starts_with(name); });
    env.push_back(entry);
  }
  return env;
}

ChildPlan Guardian::PlanChild(const LaunchFrame& frame, const CompiledPolicy& policy) const {
  ChildPlan plan;
  plan.kind = frame.command.kind;
  plan.cwd = frame.command.cwd.c_str();
  plan.policy = &policy;
  plan.identity = identity_;
  plan.guardian = ::getpid();
  if (policy.confinement.network != Network::kOpen) plan.empty_network = empty_network_.get();
  plan.rlimits.command = frame.command.limits;
  if (!cgroup_ || !cgroup_->has_memory()) plan.rlimits.data_bytes = limits_.memory_bytes;
  if ((!cgroup_ || !cgroup_->has_pids()) && limits_.pids > 0 && identity_.uid != 0) {
    // In a user namespace of our own the count begins with us: exact, and no business of the user's other programs.
    const bool own_count = !identity_.change && tmp_is_private_ && CountsPerUserNamespace();
    plan.rlimits.processes = (own_count ? 1 : CountThreadsOf(identity_.uid)) + limits_.pids;
  }
  return plan;
}

void Guardian::Launch(LaunchFrame frame, const std::vector<UniqueFd>& stdio) {
  const auto found = policies_.find(frame.policy);
  if (found == policies_.end()) return Fail(frame.id, "no such policy", EINVAL);
  const CompiledPolicy& policy = found->second;
  if (!policy.refusal.empty()) return Fail(frame.id, policy.refusal, EPERM);
  if (stdio.size() != 3 || frame.command.argv.empty()) return Fail(frame.id, "malformed launch", EINVAL);

  ChildPlan plan = PlanChild(frame, policy);
  for (std::size_t i = 0; i < 3; ++i) plan.stdio[i] = stdio[i].get();
  const std::vector<std::string> env = ToolEnvironment(frame.command);
  plan.argv = Pointers(frame.command.argv);
  plan.env = Pointers(env);
  if (frame.command.kind == Command::Kind::kExec) {
    plan.program = FindProgram(frame.command.argv[0]);
    if (plan.program.empty()) return Fail(frame.id, "exec: " + frame.command.argv[0], ENOENT);
  } else {
    plan.operation = frame.command.argv;
  }
  plan.status = TakeStatus();
  if (plan.status == nullptr) return Fail(frame.id, "mmap", ENOMEM);

  Call call;
  call.id = frame.id;
  call.policy = frame.policy;
  call.status = plan.status;
  call.started = Clock::now();
  if (frame.command.kind == Command::Kind::kProbe) PlanProbe(policy, call, plan);
  if (frame.command.kind != Command::Kind::kBuiltin) call.guard = MakeGuard(policy, frame.id);
  if (call.guard) plan.listener_socket = listeners_.write.get();
  // One that came too late is another command's.
  while (call.guard && ReceiveDescriptor(listeners_.read.get(), Milliseconds(0)).valid()) continue;
  const pid_t pid = StartChild(plan);
  if (pid < 0) {
    const int err = errno;
    free_statuses_.push_back(plan.status);
    return Fail(frame.id, "fork", err);
  }
  StartGuard(call, pid);
  call.command = std::move(frame.command);
  const bool cpu_limited = call.command.limits.cpu_seconds > 0;
  if (call.command.limits.wall.count() > 0) {
    call.wall_timer = loop_.At(call.started + call.command.limits.wall, [this, pid] {
      calls_.at(pid).limit = LimitHit::kWall;
      KillTree(pid);
    });
  }
  calls_.emplace(pid, std::move(call));
  if ((count_trees_ || cpu_limited) && count_timer_ == 0) ScheduleCount();
}

ChildStatus* Guardian::TakeStatus() {
  if (free_statuses_.empty()) return MapStatus();
  ChildStatus* status = free_statuses_.back();
  free_statuses_.pop_back();
  *status = {};
  return status;
}

void Guardian::Fail(CommandId id, const std::string& what, int err) {
  DoneFrame frame;
  frame.id = id;
  frame.report.setup_error = what + ": " + std::strerror(err);
  frame.report.setup_errno = err;
  done_(frame);
}

void Guardian::Reap() {
  int status = 0;
  rusage usage{};
  pid_t pid = 0;
  while ((pid = ::wait4(-1, &status, WNOHANG, &usage)) > 0) {
    const auto found = calls_.find(pid);
    if (found == calls_.end()) {
      dying_.erase(pid);
      continue;
    }
    Call& call = found->second;
    call.wait_status = status;
    call.usage = usage;
    call.ended = Clock::now();
    loop_.CancelTimer(call.wall_timer);
    loop_.CancelTimer(call.grace_timer);
  }
  // ECHILD: no child is left at all, so no orphan either.
  Finish(pid < 0 ? Orphans::kNone : Orphans::kPerhaps);
}

/// Kills every child that is no running command. True when there was one.
bool Guardian::SweepOrphans() {
  const auto ended = std::find_if(calls_.begin(), calls_.end(),
                                  [](const auto& entry) { return entry.second.wait_status.has_value(); });
  bool any = false;
  for (const pid_t pid : ChildrenOfSelf()) {
    if (calls_.contains(pid)) continue;
    any = true;
    ::kill(pid, SIGKILL);
    if (dying_.insert(pid).second && ended != calls_.end()) ++ended->second.leftovers;
  }
  return any;
}

/// Reports the commands that have ended, once nothing of them is left.
void Guardian::Finish(Orphans orphans) {
  const bool ended =
      std::any_of(calls_.begin(), calls_.end(), [](const auto& entry) { return entry.second.wait_status.has_value(); });
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
  for (auto it = calls_.begin(); it != calls_.end();) {
    if (!it->second.wait_status) {
      ++it;
      continue;
    }
    DoneFrame frame{.id = it->second.id, .report = MakeReport(it->second)};
    EndGuard(it->second, frame.report);
    free_statuses_.push_back(it->second.status);
    it = calls_.erase(it);
    done_(frame);
  }
}

Report Guardian::MakeReport(const Call& call) {
  Report report;
  const int status = *call.wait_status;
  if (WIFEXITED(status)) report.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) report.signal = WTERMSIG(status);
  if (call.status->error != 0) {
    report.exit_code.reset();
    report.setup_errno = call.status->error;
    report.setup_error = std::string(StageName(call.status->stage)) + ": " + std::strerror(call.status->error);
  }
  report.limit = LimitOf(call);
  report.cancelled = call.cancelled;
  report.wall_us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(call.ended - call.started).count());
  report.cpu_us = Microseconds(call.usage.ru_utime) + Microseconds(call.usage.ru_stime);
  report.max_rss_kb = static_cast<std::uint64_t>(call.usage.ru_maxrss);
  report.leftovers = call.leftovers;
  AddDenial(call, report);
  return report;
}

LimitHit Guardian::LimitOf(const Call& call) {
  if (call.limit != LimitHit::kNone) return call.limit;
  if (call.probe) {
    // It ran into the limits on purpose, which must not be told of the next one.
    if (cgroup_) ooms_seen_ = cgroup_->oom_kills(), refusals_seen_ = cgroup_->pids_refusals();
    return LimitHit::kNone;
  }
  const int status = *call.wait_status;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) return LimitHit::kCpu;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ) return LimitHit::kFileSize;
  const bool failed = WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
  if (!failed || !cgroup_ || call.cancelled) return LimitHit::kNone;
  // Read only after a failure, so that a success costs nothing. The limits belong to the run: with several commands at
  // once, one that failed for a reason of its own may be told of another's limit.
  const std::uint64_t ooms = cgroup_->oom_kills();
  const std::uint64_t refusals = cgroup_->pids_refusals();
  const bool out_of_memory = ooms > std::exchange(ooms_seen_, ooms);
  const bool out_of_pids = refusals > std::exchange(refusals_seen_, refusals);
  if (out_of_memory) return LimitHit::kMemory;
  if (out_of_pids) return LimitHit::kPids;
  return LimitHit::kNone;
}

void Guardian::AddDenial(const Call& call, Report& report) const {
  const CompiledPolicy& policy = policies_.at(call.policy);
  const auto& argv = call.command.argv;
  if (call.command.kind == Command::Kind::kExec) {
    if (call.status->stage != Stage::kExec || call.status->error != EACCES) return;
    report.denials.push_back(DenialOf(policy, DeniedAct::kExec, FindProgram(argv[0])));
    return;
  }
  if (report.exit_code != kExitDenied || argv.size() < 2) return;
  const bool writes = argv[0] == "write" || argv[0] == "edit";
  report.denials.push_back(
      DenialOf(policy, writes ? DeniedAct::kWrite : DeniedAct::kRead, NormalizePath(argv[1], call.command.cwd)));
}

void Guardian::KillTree(pid_t root) {
  // Stopped first, so that nothing forks between being listed and being killed; what still escapes becomes an orphan.
  for (const pid_t pid : Tree(ListProcesses(), root)) ::kill(pid, SIGSTOP);
  for (const pid_t pid : Tree(ListProcesses(), root)) ::kill(pid, SIGKILL);
}

void Guardian::KillWithGrace(pid_t root, Milliseconds grace) {
  if (grace.count() == 0) return KillTree(root);
  for (const pid_t pid : Tree(ListProcesses(), root)) ::kill(pid, SIGTERM);
  calls_.at(root).grace_timer = loop_.At(Clock::now() + grace, [this, root] { KillTree(root); });
}

void Guardian::Kill(const KillFrame& frame) {
  for (auto& [pid, call] : calls_) {
    if (call.id != frame.id || call.wait_status) continue;
    if (frame.reason == KillReason::kOutput) {
      call.limit = LimitHit::kOutput;
    } else {
      call.cancelled = true;
    }
    return KillWithGrace(pid, Milliseconds(frame.grace_ms));
  }
}

void Guardian::KillAll(TimePoint deadline) {
  for (auto& [pid, call] : calls_) {
    if (call.wait_status) continue;  // its number may be another process's by now
    call.cancelled = true;
    KillTree(pid);
  }
  loop_.Drain([this] { return calls_.empty() && ChildrenOfSelf().empty(); }, deadline);
}

void Guardian::ScheduleCount() {
  count_timer_ = loop_.At(Clock::now() + kCountInterval, [this] {
    count_timer_ = 0;
    CountTrees();
    if (!calls_.empty()) ScheduleCount();
  });
}

/// RLIMIT_CPU holds each process; together they are held here.
void Guardian::KillOverCpu(const std::vector<ProcessInfo>& all) {
  for (auto& [pid, call] : calls_) {
    const std::chrono::seconds limit(call.command.limits.cpu_seconds);
    if (limit.count() == 0 || call.wait_status || CpuOfTree(all, pid) <= limit) continue;
    call.limit = LimitHit::kCpu;
    KillTree(pid);
  }
}

/// The limit belongs to the run, so the largest tree pays for all of them. What fled from its tree counts until the
/// sweep has it.
void Guardian::CountTrees() {
  SweepOrphans();
  const std::vector<ProcessInfo> all = ListProcesses();
  KillOverCpu(all);
  if (!count_trees_) return;
  const TreeUsage total = UsageOfTree(all, ::getpid());
  const bool too_much = limits_.memory_bytes > 0 && total.memory_bytes > limits_.memory_bytes;
  const bool too_many = limits_.pids > 0 && total.threads > limits_.pids + 1;  // the guardian is one of them
  if (!too_much && !too_many) return;
  Call* largest = nullptr;
  pid_t root = 0;
  std::uint64_t most = 0;
  for (auto& [pid, call] : calls_) {
    if (call.wait_status) continue;
    const TreeUsage usage = UsageOfTree(all, pid);
    const std::uint64_t weight = too_much ? usage.memory_bytes : usage.threads;
    if (largest != nullptr && weight < most) continue;
    largest = &call, root = pid, most = weight;
  }
  if (largest == nullptr) return;
  largest->limit = too_much ? LimitHit::kMemory : LimitHit::kPids;
  KillTree(root);
}

}  // namespace rune::sandbox
