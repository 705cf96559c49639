#include "sandbox/layers/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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

std::string ReadControl(const std::string& path) {
  auto text = ReadFile(path, 64 << 10);
  return text.ok() ? std::move(text).value() : "";
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

/// Groups of guardians that were killed before they could tidy up.
void RemoveStaleGroups(const std::string& parent) {
  for (const std::string& name : NamesIn(parent)) {
    if (!name.starts_with(kPrefix)) continue;
    const auto pid = ParseInt(std::string_view(name).substr(kPrefix.size()));
    const bool dead = pid && *pid > 0 && ::kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH;
    // A group that still has processes is not removed by rmdir(2).
    if (dead) ::rmdir((parent + "/" + name).c_str());
  }
}

Result<std::string> MakeGroup(const std::string& parent) {
  RemoveStaleGroups(parent);
  std::string dir = parent + "/" + std::string(kPrefix) + std::to_string(::getpid());
  // A leftover of an earlier process with our number is empty, or it would have no number of its own any more.
  ::rmdir(dir.c_str());
  if (::mkdir(dir.c_str(), 0755) != 0) return Error::FromErrno(dir);
  return dir;
}

Result<void> LimitMemory(const std::string& dir, int version, std::uint64_t bytes) {
  if (bytes == 0) return Ok();
  const std::string text = std::to_string(bytes);
  if (version == 2) {
    RUNE_RETURN_IF_ERROR(WriteControl(dir + "/memory.max", text));
    // A kernel without swap accounting has no such file.
    if (Exists(dir + "/memory.swap.max")) return WriteControl(dir + "/memory.swap.max", "0");
    return Ok();
  }
  RUNE_RETURN_IF_ERROR(WriteControl(dir + "/memory.limit_in_bytes", text));
  // Memory and swap together; it may not be lower than the line above at any time.
  if (Exists(dir + "/memory.memsw.limit_in_bytes")) return WriteControl(dir + "/memory.memsw.limit_in_bytes", text);
  return Ok();
}

Result<void> LimitPids(const std::string& dir, std::uint32_t pids) {
  if (pids == 0) return Ok();
  return WriteControl(dir + "/pids.max", std::to_string(std::uint64_t{pids} + 1));  // the guardian is one of them
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

Result<void> RunCgroup::Enter(const std::string& parent, const std::string& own, Place place, const RunLimits& limits) {
  RUNE_ASSIGN_OR_RETURN(place.dir, MakeGroup(parent));
  place.procs = own + "/cgroup.procs";
  const auto fill = [&]() -> Result<void> {
    if (place.memory) RUNE_RETURN_IF_ERROR(LimitMemory(place.dir, version_, limits.memory_bytes));
    if (place.pids) RUNE_RETURN_IF_ERROR(LimitPids(place.dir, limits.pids));
    // Whether we may move there is known before we try.
    if (::access((place.dir + "/cgroup.procs").c_str(), W_OK) != 0)
      return Error::FromErrno(place.dir + "/cgroup.procs");
    return Ok();
  };
  if (auto filled = fill(); !filled.ok()) {
    RemoveGroup(place.dir);
    return filled;
  }
  places_.push_back(std::move(place));
  return Ok();
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
  if (places_.empty())
    return Error{ErrorKind::kUnavailable, "the kernel does not let this process into a control group"};
  return Ok();
}

Result<RunCgroup> RunCgroup::Begin(const RunLimits& limits) {
  const CgroupTexts texts{ReadControl("/proc/self/cgroup"), ReadControl("/proc/self/mountinfo")};
  std::string why;
  const auto note = [&](const std::string& what) { why += (why.empty() ? "" : "; ") + what; };

  RunCgroup group;
  group.version_ = 2;
  const std::string own = OwnCgroup(texts, "");
  const Parent parent = FindParent(own, CgroupMount(texts, ""));
  if (own.empty()) {
    note("no cgroup v2 hierarchy");
  } else if (parent.dir.empty()) {
    note("no cgroup v2 group above this process can be written and hands on memory or pids");
  } else {
    auto entered = group.Enter(parent.dir, own, {.memory = parent.memory, .pids = parent.pids}, limits);
    if (entered.ok()) {
      group.StartMove();
      return group;
    }
    note(entered.error().message);
  }

  group.version_ = 1;
  for (const std::string_view controller : {"memory", "pids"}) {
    const std::string dir = OwnCgroup(texts, controller);
    if (dir.empty()) {
      note("no cgroup v1 hierarchy for " + std::string(controller));
      continue;
    }
    auto entered = group.Enter(dir, dir, {.memory = controller == "memory", .pids = controller == "pids"}, limits);
    if (!entered.ok()) note(entered.error().message);
  }
  if (group.places_.empty()) return Error{ErrorKind::kUnavailable, why};
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

}  // namespace rune::sandbox
