#include "sandbox/guard/guard_signals.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/directory.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kSmallFile = 16 << 10;
constexpr std::size_t kMaxDepth = 256;

/// The number behind "<key>" on a line of a file of proc(5).
std::optional<pid_t> Field(const std::string& path, std::string_view key) {
  const auto text = ReadFile(path, kSmallFile);
  if (!text.ok()) return std::nullopt;
  for (const std::string_view line : Split(*text, '\n')) {
    if (!line.starts_with(key)) continue;
    const auto number = ParseInt(Trim(line.substr(key.size())));
    return number ? std::optional(static_cast<pid_t>(*number)) : std::nullopt;
  }
  return std::nullopt;
}

/// The process that a thread is of, which kill(2) takes for it, too.
std::optional<pid_t> ProcessOf(pid_t thread) { return Field("/proc/" + std::to_string(thread) + "/status", "Tgid:"); }

struct Kin {
  pid_t parent = 0;
  pid_t group = 0;
};
std::optional<Kin> KinOf(pid_t pid) {
  const auto text = ReadFile("/proc/" + std::to_string(pid) + "/stat", kSmallFile);
  if (!text.ok()) return std::nullopt;
  // "12 (name) S 1 7 ...": the name may hold anything.
  const auto words = Split(Trim(std::string_view(*text).substr(text->rfind(')') + 1)), ' ');
  if (words.size() < 3) return std::nullopt;
  const auto parent = ParseInt(words[1]);
  const auto group = ParseInt(words[2]);
  if (!parent || !group) return std::nullopt;
  return Kin{static_cast<pid_t>(*parent), static_cast<pid_t>(*group)};
}

/// From `pid` up to this process; empty when it is not below us.
std::vector<pid_t> LineOf(pid_t pid) {
  std::vector<pid_t> line;
  const pid_t self = ::getpid();
  while (line.size() < kMaxDepth && pid > 1 && pid != self) {
    line.push_back(pid);
    const auto kin = KinOf(pid);
    if (!kin) return {};
    pid = kin->parent;
  }
  return pid == self ? line : std::vector<pid_t>();
}

/// A process that we hold: by a pidfd, or, where an outer filter grants none, by its directory in /proc, which is empty
/// once it is gone.
struct Member {
  pid_t pid = 0;
  UniqueFd process;
  UniqueFd directory;
  int error = 0;  ///< ESRCH: there is none. EPERM: it is none of ours.

  bool lives() const {
    return UniqueFd(::openat(directory.get(), "stat", O_RDONLY | O_CLOEXEC)).valid() || errno != ESRCH;
  }
};

/// `info`: a siginfo_t, or empty. 0 or an errno.
int Send(const Member& member, int number, std::string info) {
  if (member.process.valid()) {
    void* const data = info.empty() ? nullptr : info.data();
    return ::syscall(SYS_pidfd_send_signal, member.process.get(), number, data, 0) == 0 ? 0 : errno;
  }
  // By its number then, as soon as we have seen that it is still its own; nobody can hold us up in between.
  if (!member.lives()) return ESRCH;
  if (info.empty()) return ::kill(member.pid, number) == 0 ? 0 : errno;
  return ::syscall(SYS_rt_sigqueueinfo, member.pid, number, info.data()) == 0 ? 0 : errno;
}

/// A process whose parent is the same at two looks had it in between, for a parent changes only by dying: so two equal
/// lines are true of one moment, at which the process that we hold was the first of it.
Member MemberOf(pid_t pid) {
  Member member{.pid = pid};
  member.directory.Reset(::open(("/proc/" + std::to_string(pid)).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  member.process.Reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!member.directory.valid() || (!member.process.valid() && errno == ESRCH)) {
    member.error = ESRCH;
    return member;
  }
  const std::vector<pid_t> line = LineOf(pid);
  const bool ours = !line.empty() && line == LineOf(pid);
  // Still there, so that all of this was about it.
  if (!member.lives()) {
    member.error = ESRCH;
  } else if (!ours) {
    member.error = EPERM;
  }
  return member;
}

}  // namespace

bool GuardSignals::Handle(const SystemCall& call) {
  switch (call.number) {
    case SYS_kill:
      if (call.Int(0) < -1) {
        ToGroup(call, -call.Int(0), {call.Int(1), ""});
      } else {
        ToProcess(call, call.Int(0), {call.Int(1), ""});
      }
      return true;
    case SYS_tkill:
      ToThread(call, call.Int(0));
      return true;
    case SYS_tgkill:
      ToProcess(call, call.Int(0), {call.Int(2), ""});
      return true;
    case SYS_rt_sigqueueinfo:
      Queue(call, call.Int(0), call.Int(1), call.arguments[2]);
      return true;
    case SYS_rt_tgsigqueueinfo:
      Queue(call, call.Int(0), call.Int(2), call.arguments[3]);
      return true;
    case SYS_pidfd_send_signal:
      ByHandle(call);
      return true;
    case SYS_fcntl:
      SetOwner(call);
      return true;
    default:
      return false;
  }
}

void GuardSignals::Finish(const SystemCall& call, int error) {
  if (error == EPERM) return programs_.RefuseSyscall(call);
  state_.Answer(call, error);
}

void GuardSignals::ToProcess(const SystemCall& call, pid_t pid, const Signal& signal) {
  // Everybody at once is nobody's business.
  if (pid <= 0) return Finish(call, pid == -1 ? EPERM : EINVAL);
  const auto target = ProcessOf(pid);
  const auto own = ProcessOf(call.tid);
  if (!state_.calls.StillWaits(call.id)) return;
  if (!target) return Finish(call, ESRCH);
  // All of it stands in registers, and this process is alive as long as its call waits.
  if (target == own && pid == *own) return state_.calls.Continue(call.id);
  const Member member = MemberOf(*target);
  if (member.error != 0) return Finish(call, member.error);
  if (!state_.calls.StillWaits(call.id)) return;
  // The kernel's own EPERM is about what siginfo claims.
  state_.Answer(call, Send(member, signal.number, signal.info));
}

/// A thread of its own process: by number from here, checked against the process, which cannot end meanwhile.
void GuardSignals::ToThread(const SystemCall& call, pid_t thread) {
  const auto target = thread > 0 ? ProcessOf(thread) : std::nullopt;
  const auto own = ProcessOf(call.tid);
  if (!target) return Finish(call, thread > 0 ? ESRCH : EINVAL);
  if (target != own) return ToProcess(call, *target, {call.Int(1), ""});
  if (!state_.calls.StillWaits(call.id)) return;
  if (thread == call.tid) return state_.calls.Continue(call.id);
  state_.Answer(call, ::syscall(SYS_tgkill, *own, thread, call.Int(1)) == 0 ? 0 : errno);
}

void GuardSignals::Queue(const SystemCall& call, pid_t pid, int number, std::uint64_t info) {
  Signal signal{number, std::string(sizeof(siginfo_t), '\0')};
  if (const int err = Tracee(call.tid).Read(info, signal.info)) return state_.Answer(call, err);
  // As rt_sigqueueinfo(2) does; pidfd_send_signal(2) insists that they agree.
  static_assert(offsetof(siginfo_t, si_signo) == 0);
  std::memcpy(signal.info.data(), &number, sizeof number);
  ToProcess(call, pid, signal);
}

void GuardSignals::ByHandle(const SystemCall& call) {
  if (call.Int(3) != 0) return Finish(call, EINVAL);
  const auto pid = Field("/proc/" + std::to_string(call.tid) + "/fdinfo/" + std::to_string(call.Int(0)), "Pid:");
  if (!pid) return Finish(call, EBADF);
  if (*pid <= 0) return Finish(call, ESRCH);
  if (call.arguments[2] != 0) return Queue(call, *pid, call.Int(1), call.arguments[2]);
  const Member member = MemberOf(*pid);
  if (member.error != 0) return Finish(call, member.error);
  if (state_.calls.StillWaits(call.id)) state_.Answer(call, Send(member, call.Int(1), ""));
}

/// Whoever of it is ours; the others hear nothing.
void GuardSignals::ToGroup(const SystemCall& call, pid_t group, const Signal& signal) {
  int result = ESRCH;
  std::vector<Member> members;
  for (const std::string& name : NamesIn("/proc")) {
    const auto pid = ParseInt(name);
    if (!pid) continue;
    const auto kin = KinOf(static_cast<pid_t>(*pid));
    if (!kin || kin->group != group) continue;
    Member member = MemberOf(static_cast<pid_t>(*pid));
    if (member.error == EPERM) result = EPERM;
    if (member.error == 0) members.push_back(std::move(member));
  }
  if (!state_.calls.StillWaits(call.id)) return;
  if (members.empty()) return Finish(call, result);
  result = ESRCH;
  for (const Member& member : members) {
    if (const int err = Send(member, signal.number, ""); result != 0) result = err;
  }
  state_.Answer(call, result);
}

/// Whom the kernel shall signal when a descriptor is ready: oneself. F_SETOWN_EX names him in memory.
void GuardSignals::SetOwner(const SystemCall& call) {
  const auto own = ProcessOf(call.tid);
  const bool self = call.Int(1) == F_SETOWN && own && call.Int(2) == *own;
  if (!self) return Finish(call, EPERM);
  if (state_.calls.StillWaits(call.id)) state_.calls.Continue(call.id);
}

}  // namespace rune::sandbox
