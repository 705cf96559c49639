#include "sandbox/layers/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "sandbox/base/directory.h"
#include "sandbox/base/files.h"
#include "sandbox/base/list.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/layers/cgroup_paths.h"

namespace rune::sandbox {
namespace {

constexpr std::string_view kPrefix = "rune-";
/// The kernel lets go of a group some moments after its last process has ended.
constexpr int kRemoveTries = 50;
constexpr useconds_t kRemovePauseUs = 2000;

/// Control files take one write(2) each, and never O_CREAT.
Result<void> WriteControl(const std::string& path, std::string_view text) {
  RUNE_ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(path, O_WRONLY));
  if (::write(fd.get(), text.data(), text.size()) < 0) return Error::FromErrno(path);
  return Ok();
}

/// The number after "<key> " in a flat keyed file.
std::uint64_t KeyedNumber(const std::string& path, std::string_view key) {
  for (const std::string_view line : Split(ReadControl(path), '\n')) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
    const auto number = ParseInt(Trim(line.substr(key.size() + 1)));
    return number && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
  }
  return 0;
}

bool RemoveGroup(const std::string& dir) {
  for (int i = 0; i < kRemoveTries; ++i) {
    if (::rmdir(dir.c_str()) == 0 || errno == ENOENT) return true;
    if (errno != EBUSY) return false;
    ::usleep(kRemovePauseUs);
  }
  return false;
}

/// The namespace in which our number means us: a guardian in another container may bear it, too.
std::string PidNamespace() {
  struct stat info{};
  return std::to_string(::stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0);
}

/// "rune-PID-NAMESPACE".
std::string GroupName() { return std::string(kPrefix) + std::to_string(::getpid()) + "-" + PidNamespace(); }

/// The number of the guardian that made the group, when that was one of our namespace.
std::optional<pid_t> MakerOf(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const auto parts = Split(name.substr(kPrefix.size()), '-');
  const auto pid = parts.size() == 2 && parts[1] == PidNamespace() ? ParseInt(parts[0]) : std::nullopt;
  if (!pid || *pid <= 0) return std::nullopt;
  return static_cast<pid_t>(*pid);
}

/// False also for one that nobody has waited for yet.
bool Lives(pid_t pid) {
  if (::kill(pid, 0) != 0) return errno != ESRCH;
  const std::string stat = ReadControl("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name = stat.rfind(") ");
  return name == std::string::npos || (stat[name + 2] != 'Z' && stat[name + 2] != 'X');
}

/// The processes of a group; 0 stands for one that our namespace does not show.
std::vector<pid_t> Members(const std::string& dir) {
  std::vector<pid_t> members;
  for (const std::string_view line : Split(ReadControl(dir + "/cgroup.procs"), '\n')) {
    if (const auto pid = ParseInt(line)) members.push_back(static_cast<pid_t>(*pid));
  }
  return members;
}

void KillMembers(const std::string& dir) {
  for (int i = 0; i < kRemoveTries; ++i) {
    const std::vector<pid_t> members = Members(dir);
    if (members.empty() || Contains(members, 0)) return;
    // All at once, forks included (Linux 5.14); else one by one until a look finds none.
    if (!WriteControl(dir + "/cgroup.kill", "1").ok()) {
      for (const pid_t pid : members) ::kill(pid, SIGKILL);
    }
    ::usleep(kRemovePauseUs);
  }
}

/// Groups of guardians that were killed before they could tidy up, and what their commands had started.
void RemoveStaleGroups(const std::string& parent) {
  for (const std::string& name : NamesIn(parent)) {
    const auto maker = MakerOf(name);
    if (!maker) continue;
    const std::string dir = parent + "/" + name;
    // Only the end of the maker counts: while a process moves, a list of version 1 may lack it.
    if (Lives(*maker)) continue;
    KillMembers(dir);
    RemoveGroup(dir);
  }
}

Result<std::string> MakeGroup(const std::string& parent) {
  RemoveStaleGroups(parent);
  std::string dir = parent + "/" + GroupName();
  // A leftover of an earlier process with our number is empty, or it would have no number of its own any more.
  ::rmdir(dir.c_str());
  if (::mkdir(dir.c_str(), 0755) != 0) return Error::FromErrno(dir);
  return dir;
}

Result<void> LimitMemory(const std::string& dir, int version, const CgroupLimits& limits) {
  if (version == 2) {
    if (limits.memory_high)
      RUNE_RETURN_IF_ERROR(WriteControl(dir + "/memory.high", std::to_string(*limits.memory_high)));
    if (limits.memory_max) RUNE_RETURN_IF_ERROR(WriteControl(dir + "/memory.max", std::to_string(*limits.memory_max)));
    // A kernel without swap accounting has no such file.
    if (!limits.swap_max || !Exists(dir + "/memory.swap.max")) return Ok();
    return WriteControl(dir + "/memory.swap.max", std::to_string(*limits.swap_max));
  }
  if (!limits.memory_max) return Ok();
  const std::string text = std::to_string(*limits.memory_max);
  RUNE_RETURN_IF_ERROR(WriteControl(dir + "/memory.limit_in_bytes", text));
  // Memory and swap together; it may not be lower than the line above at any time.
  if (Exists(dir + "/memory.memsw.limit_in_bytes")) return WriteControl(dir + "/memory.memsw.limit_in_bytes", text);
  return Ok();
}

void TakeSmaller(std::optional<std::uint64_t>& limit, std::uint64_t other) {
  limit = std::min(limit.value_or(other), other);
}

/// What is asked for, and no more than what holds already.
CgroupLimits Within(CgroupLimits held, const RunLimits& asked) {
  if (asked.memory_bytes > 0) {
    TakeSmaller(held.memory_max, asked.memory_bytes);
    held.swap_max = 0;
  }
  if (asked.pids > 0) TakeSmaller(held.pids_max, std::uint64_t{asked.pids} + 1);  // the guardian is one of them
  return held;
}

bool HasWord(std::string_view text, std::string_view word) { return Contains(Split(Trim(text), ' '), word); }

/// A v2 directory in which a group can be made, and what it can limit there.
struct Parent {
  std::string dir;
  bool memory = false;
  bool pids = false;
};

/// From our own group up. A group with both controllers wins over a nearer one with only one of them.
Parent FindParent(std::string dir, const std::string& mount) {
  Parent half;
  while (!dir.empty() && IsBelow(dir, mount)) {
    const std::string enabled = ReadControl(dir + "/cgroup.subtree_control");
    const Parent here{dir, HasWord(enabled, "memory"), HasWord(enabled, "pids")};
    if ((here.memory || here.pids) && ::access(dir.c_str(), W_OK) == 0) {
      if (here.memory && here.pids) return here;
      if (half.dir.empty()) half = here;
    }
    dir = dir == mount ? "" : dir.substr(0, dir.rfind('/'));
  }
  return half;
}

}  // namespace

Result<void> RunCgroup::Enter(const std::string& parent, const std::string& own, Place place,
                              const CgroupLimits& limits) {
  // Controllers of version 1 may share a hierarchy, and then they share the group.
  const auto same =
      std::find_if(places_.begin(), places_.end(), [&](const Place& other) { return ParentOf(other.dir) == parent; });
  if (same != places_.end()) {
    same->memory = same->memory || place.memory;
    same->pids = same->pids || place.pids;
    same->cpu = same->cpu || place.cpu;
    return Fill(*same, limits);
  }
  RUNE_ASSIGN_OR_RETURN(place.dir, MakeGroup(parent));
  place.procs = own + "/cgroup.procs";
  if (auto filled = Fill(place, limits); !filled.ok()) {
    RemoveGroup(place.dir);
    return filled;
  }
  places_.push_back(std::move(place));
  return Ok();
}

Result<void> RunCgroup::Fill(const Place& place, const CgroupLimits& limits) const {
  if (place.memory) RUNE_RETURN_IF_ERROR(LimitMemory(place.dir, version_, limits));
  if (place.pids && limits.pids_max)
    RUNE_RETURN_IF_ERROR(WriteControl(place.dir + "/pids.max", std::to_string(*limits.pids_max)));
  if (!limits.cpu_max.empty()) RUNE_RETURN_IF_ERROR(WriteControl(place.dir + "/cpu.max", limits.cpu_max));
  // Whether we may move there is known before we try.
  if (::access((place.dir + "/cgroup.procs").c_str(), W_OK) != 0) return Error::FromErrno(place.dir + "/cgroup.procs");
  return Ok();
}

Result<void> RunCgroup::EnterV2(const CgroupTexts& texts, const RunLimits& limits) {
  const std::string own = OwnCgroup(texts, "");
  if (own.empty()) return Error{ErrorKind::kUnavailable, "no cgroup v2 hierarchy that shows this process"};
  const Parent parent = FindParent(own, CgroupMount(texts, ""));
  if (parent.dir.empty()) {
    return Error{ErrorKind::kUnavailable,
                 "no cgroup v2 group above this process can be written and hands on memory or pids"};
  }
  RUNE_ASSIGN_OR_RETURN(const CgroupLimits held, LimitsBetween(own, parent.dir));
  // Left behind with nothing in its place, a limit would not hold any more.
  if ((!parent.memory && (held.memory_max || held.memory_high || held.swap_max)) || (!parent.pids && held.pids_max)) {
    return Error{ErrorKind::kUnavailable, own + " has limits that no group beside it could have"};
  }
  return Enter(parent.dir, own, {.memory = parent.memory, .pids = parent.pids, .cpu = true}, Within(held, limits));
}

Result<void> RunCgroup::EnterV1(const CgroupTexts& texts, const std::string& controller, const RunLimits& limits) {
  const std::string own = OwnCgroup(texts, controller);
  if (own.empty()) return Error{ErrorKind::kUnavailable, "no cgroup v1 hierarchy for " + controller};
  CgroupLimits held;
  if (controller == "memory") held.memory_max = MemoryLimitAbove(own, CgroupMount(texts, controller));
  return Enter(own, own,
               {.memory = controller == "memory", .pids = controller == "pids", .cpu = controller == "cpuacct"},
               Within(held, limits));
}

Result<RunCgroup> RunCgroup::Join(const RunLimits& limits) {
  RUNE_ASSIGN_OR_RETURN(RunCgroup group, Begin(limits));
  RUNE_RETURN_IF_ERROR(group.Complete());
  return group;
}

void RunCgroup::StartMove() {
  const std::string self = std::to_string(::getpid());
  mover_ = ::fork();
  if (mover_ != 0) return;
  int moved = 0;
  for (const Place& place : places_) {
    if (WriteControl(place.dir + "/cgroup.procs", self).ok()) moved |= 1 << (&place - places_.data());
  }
  ::_exit(moved);
}

Result<void> RunCgroup::Complete() {
  if (mover_ == 0) return Ok();
  int status = 0;
  const bool reaped = mover_ > 0 && RetryOnEintr([&] { return ::waitpid(mover_, &status, 0); }) == mover_;
  mover_ = 0;
  const int moved = reaped && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  for (std::size_t i = places_.size(); i-- > 0;) {
    if ((moved >> i & 1) != 0) continue;
    RemoveGroup(places_[i].dir);
    places_.erase(places_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (!has_memory() && !has_pids())
    return Error{ErrorKind::kUnavailable, "the kernel does not let this process into a control group"};
  return Ok();
}

Result<RunCgroup> RunCgroup::Begin(const RunLimits& limits) {
  const CgroupTexts texts{ReadControl("/proc/self/cgroup"), ReadControl("/proc/self/mountinfo")};
  RunCgroup group;
  group.version_ = 2;
  auto entered = group.EnterV2(texts, limits);
  if (entered.ok()) {
    group.StartMove();
    return group;
  }
  std::string why = entered.error().message;
  group.version_ = 1;
  for (const char* controller : {"memory", "pids"}) {
    entered = group.EnterV1(texts, controller, limits);
    if (!entered.ok()) why += "; " + entered.error().message;
  }
  if (group.places_.empty()) return Error{ErrorKind::kUnavailable, why};
  // It limits nothing, so that a run goes without.
  entered = group.EnterV1(texts, "cpuacct", {});
  group.StartMove();
  return group;
}

RunCgroup::RunCgroup(RunCgroup&& other) noexcept
    : version_(other.version_), mover_(std::exchange(other.mover_, 0)), places_(std::exchange(other.places_, {})) {}

RunCgroup& RunCgroup::operator=(RunCgroup&& other) noexcept {
  std::swap(version_, other.version_);
  std::swap(mover_, other.mover_);
  std::swap(places_, other.places_);
  return *this;
}

RunCgroup::~RunCgroup() {
  if (!Complete().ok()) return;
  for (const Place& place : places_) {
    // When the way back is gone, a later guardian removes what stays (RemoveStaleGroups).
    if (WriteControl(place.procs, "0").ok()) RemoveGroup(place.dir);
  }
}

void RunCgroup::Quit() const {
  for (const Place& place : places_) {
    if (!WriteControl(place.procs, "0").ok()) return;  // then it counts as one of the group
  }
}

std::vector<std::string> RunCgroup::dirs() const {
  std::vector<std::string> dirs;
  for (const Place& place : places_) dirs.push_back(place.dir);
  return dirs;
}

int RunCgroup::version() const { return version_; }

bool RunCgroup::has_memory() const {
  return std::any_of(places_.begin(), places_.end(), [](const Place& place) { return place.memory; });
}

bool RunCgroup::has_pids() const {
  return std::any_of(places_.begin(), places_.end(), [](const Place& place) { return place.pids; });
}

std::uint64_t RunCgroup::oom_kills() const {
  for (const Place& place : places_) {
    if (place.memory)
      return KeyedNumber(place.dir + (version_ == 2 ? "/memory.events" : "/memory.oom_control"), "oom_kill");
  }
  return 0;
}

std::uint64_t RunCgroup::pids_refusals() const {
  for (const Place& place : places_) {
    if (place.pids) return KeyedNumber(place.dir + "/pids.events", "max");
  }
  return 0;
}

std::optional<std::uint64_t> RunCgroup::cpu_us() const {
  for (const Place& place : places_) {
    if (!place.cpu) continue;
    if (version_ == 2) return KeyedNumber(place.dir + "/cpu.stat", "usage_usec");
    const auto nanoseconds = ParseInt(ReadControl(place.dir + "/cpuacct.usage"));
    if (nanoseconds) return static_cast<std::uint64_t>(std::max<std::int64_t>(*nanoseconds, 0)) / 1000;
  }
  return std::nullopt;
}

}  // namespace rune::sandbox
