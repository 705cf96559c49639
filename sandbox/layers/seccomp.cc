#include "sandbox/layers/seccomp.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <map>
#include <memory>

#include "sandbox/base/list.h"
#include "sandbox/base/text.h"
#include "sandbox/layers/seccomp_table.h"

/// libseccomp knows the names and numbers. The program is written here: libseccomp cannot say "allowed unless these low
/// 32 bits hold this value" over a default of its own, and its tree of 330 equalities is four times as long, takes 2.6
/// ms to build and more than twice as long to attach as a search over runs of numbers with the same answer.

namespace rune::sandbox {
namespace {

constexpr std::uint32_t kDefault = SeccompErrno(ENOSYS);
/// Bit 30 marks the x32 calls of an x86-64 kernel: a second set of numbers for what the tables decide about.
constexpr std::uint32_t kX32Bit = 0x40000000;
constexpr std::uint32_t kNoSyscall = 0xffffffff;

sock_filter Statement(unsigned code, std::uint32_t k) { return {static_cast<std::uint16_t>(code), 0, 0, k}; }
sock_filter Jump(unsigned code, std::uint32_t k, std::size_t if_true, std::size_t if_false) {
  return {static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(if_true), static_cast<std::uint8_t>(if_false), k};
}
BpfProgram Return(std::uint32_t action) { return {Statement(BPF_RET | BPF_K, action)}; }

bool Same(const BpfProgram& a, const BpfProgram& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const sock_filter& x, const sock_filter& y) {
    return x.code == y.code && x.jt == y.jt && x.jf == y.jf && x.k == y.k;
  });
}

constexpr std::uint32_t kLowHalf = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : sizeof(std::uint32_t);
constexpr std::uint32_t kHighHalf = sizeof(std::uint32_t) - kLowHalf;

sock_filter LoadArgument(std::uint8_t argument, std::uint32_t half) {
  return Statement(BPF_LD | BPF_W | BPF_ABS,
                   static_cast<std::uint32_t>(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t)) + half);
}

/// Appends "if all tests hold, return action"; a test that fails jumps behind it.
void AppendRule(BpfProgram& code, const ArgumentRule& rule) {
  std::vector<std::size_t> exits;
  for (const ArgumentTest& test : rule.tests) {
    if (test.kind == ArgumentTest::Kind::kNone) continue;
    code.push_back(LoadArgument(test.argument, kLowHalf));
    if (test.kind == ArgumentTest::Kind::kNotNull) {
      code.push_back(Jump(BPF_JMP | BPF_JSET | BPF_K, ~0u, 2, 0));
      code.push_back(LoadArgument(test.argument, kHighHalf));
      exits.push_back(code.size());
      code.push_back(Jump(BPF_JMP | BPF_JSET | BPF_K, ~0u, 0, 0));
      continue;
    }
    const bool equal = test.kind == ArgumentTest::Kind::kEqual;
    if (equal && test.mask != ~0u) code.push_back(Statement(BPF_ALU | BPF_AND | BPF_K, test.mask));
    exits.push_back(code.size());
    code.push_back(equal ? Jump(BPF_JMP | BPF_JEQ | BPF_K, test.value, 0, 0)
                         : Jump(BPF_JMP | BPF_JSET | BPF_K, test.mask, 0, 0));
  }
  code.push_back(Statement(BPF_RET | BPF_K, rule.action));
  for (const std::size_t exit : exits) code[exit].jf = static_cast<std::uint8_t>(code.size() - exit - 1);
}

/// execve(2) goes on in any case; the guard hears of all but the one at `silent`.
BpfProgram NotedExec(std::uint64_t silent) {
  const auto at = static_cast<std::uint32_t>(offsetof(seccomp_data, instruction_pointer));
  BpfProgram code{Statement(BPF_LD | BPF_W | BPF_ABS, at + kLowHalf),
                  Jump(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(silent), 0, 3),
                  Statement(BPF_LD | BPF_W | BPF_ABS, at + kHighHalf),
                  Jump(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(silent >> 32), 0, 1),
                  Statement(BPF_RET | BPF_K, kSeccompAllow),
                  Statement(BPF_RET | BPF_K, kSeccompNotify)};
  return code;
}

/// From `first` up to the next run, every system call number gets the answer of `body`.
struct Run {
  std::uint32_t first = 0;
  BpfProgram body;
};

/// Binary search over the runs; the accumulator holds the number.
BpfProgram Search(const std::vector<Run>& runs, std::size_t begin, std::size_t end) {
  if (end - begin == 1) return runs[begin].body;
  const std::size_t middle = begin + (end - begin) / 2;
  const BpfProgram below = Search(runs, begin, middle);
  const BpfProgram above = Search(runs, middle, end);
  BpfProgram code;
  if (below.size() <= 255) {
    code.push_back(Jump(BPF_JMP | BPF_JGE | BPF_K, runs[middle].first, below.size(), 0));
  } else {  // a conditional jump has 8 bits, an unconditional one 32
    code.push_back(Jump(BPF_JMP | BPF_JGE | BPF_K, runs[middle].first, 0, 1));
    code.push_back(Statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(below.size())));
  }
  code.insert(code.end(), below.begin(), below.end());
  code.insert(code.end(), above.begin(), above.end());
  return code;
}

/// What each number answers, in numerical order.
class Table {
 public:
  explicit Table(SeccompPolicy::Notify notify) : notify_(notify) {}

  /// What answers in the place of `action`.
  std::uint32_t Answer(std::uint32_t action) const {
    return notify_ != SeccompPolicy::Notify::kNothing && action == SeccompErrno(EPERM) ? kSeccompNotify : action;
  }

  void Set(std::string_view name, const BpfProgram& body) {
    if (const int number = NumberOf(name); number >= 0) bodies_[static_cast<std::uint32_t>(number)] = body;
  }

  void SetRules(std::span<const ArgumentRule> rules) { SetRulesBefore(rules, {}); }

  /// `rules` first, then those of `common` of the same name.
  void SetRulesBefore(std::span<const ArgumentRule> rules, std::span<const ArgumentRule> common) {
    for (std::size_t i = 0; i < rules.size();) {
      BpfProgram body;
      const std::string_view name = rules[i].name;
      for (; i < rules.size() && rules[i].name == name; ++i) Append(body, rules[i]);
      for (const ArgumentRule& rule : common) {
        if (rule.name == name) Append(body, rule);
      }
      Set(name, body);
    }
  }

  std::vector<Run> Runs(std::uint32_t arch) const {
    std::vector<Run> runs{{0, Return(kDefault)}};
    const auto add = [&](std::uint32_t first, const BpfProgram& body) {
      if (runs.back().first == first) runs.pop_back();
      if (runs.empty() || !Same(runs.back().body, body)) runs.push_back({first, body});
    };
    for (const auto& [number, body] : bodies_) {
      add(number, body);
      add(number + 1, Return(kDefault));
    }
    if (arch == AUDIT_ARCH_X86_64) {
      add(kX32Bit, Return(SECCOMP_RET_KILL_PROCESS));
      add(kNoSyscall, Return(kDefault));
    }
    return runs;
  }

  /// Negative when this architecture has no such call, __NR_SCMP_ERROR when none has.
  static int NumberOf(std::string_view name) {
    const int number = ::seccomp_syscall_resolve_name(std::string(name).c_str());
    if (number != __NR_SCMP_ERROR) return number;
    for (const NewerSyscall& newer : NewerSyscalls()) {
      if (newer.name == name) return newer.number;
    }
    return __NR_SCMP_ERROR;
  }

 private:
  void Append(BpfProgram& body, ArgumentRule rule) const {
    rule.action = Answer(rule.action);
    AppendRule(body, rule);
  }

  SeccompPolicy::Notify notify_;
  std::map<std::uint32_t, BpfProgram> bodies_;
};

std::span<const ArgumentRule> RulesOf(Network network) {
  switch (network) {
    case Network::kClosed:
      return ClosedNetworkRules();
    case Network::kGuarded:
      return GuardedNetworkRules();
    case Network::kOpen:
      return OpenNetworkRules();
  }
  return ClosedNetworkRules();
}

/// The rules of setsockopt(2), and before them that the size of a sending buffer is not set.
std::vector<ArgumentRule> WithDefaultBuffers(std::span<const ArgumentRule> rules) {
  using enum ArgumentTest::Kind;
  std::vector<ArgumentRule> all{{"setsockopt",
                                 SeccompErrno(0),
                                 {ArgumentTest{kEqual, 1, ~0u, SOL_SOCKET}, ArgumentTest{kEqual, 2, ~0u, SO_SNDBUF}}}};
  std::copy_if(rules.begin(), rules.end(), std::back_inserter(all),
               [](const ArgumentRule& rule) { return rule.name == "setsockopt"; });
  return all;
}

/// Whether the guard may answer this call otherwise than with EPERM.
bool GuardGrants(std::string_view name) {
  const auto among = [&](std::span<const ArgumentRule> rules) {
    return std::any_of(rules.begin(), rules.end(), [&](const ArgumentRule& rule) { return rule.name == name; });
  };
  return name == "execve" || name == "execveat" || name == "mmap" || Contains(GuardedFileCalls(), name) ||
         among(GuardedNetworkRules()) || among(GuardedInterfaceRules()) || among(GuardedSignalRules()) ||
         among(GuardedTruncationRules());
}

/// Where nobody can be asked: every way to send a signal to one of `out_of_reach`, and those that name the receiver
/// where no filter can see it.
std::vector<ArgumentRule> SignalRules(const std::vector<pid_t>& out_of_reach) {
  using enum ArgumentTest::Kind;
  constexpr std::uint32_t kDeny = SeccompErrno(EPERM);
  std::vector<ArgumentRule> rules;
  const auto add = [&](std::string_view name, std::uint8_t argument, ArgumentTest also) {
    for (const pid_t pid : out_of_reach) {
      for (const pid_t receiver : {pid, -pid}) {
        rules.push_back(
            {name, kDeny, {ArgumentTest{kEqual, argument, ~0u, static_cast<std::uint32_t>(receiver)}, also}});
      }
    }
  };
  for (const std::string_view name :
       {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open"}) {
    add(name, 0, {});
    if (name == "kill") rules.push_back({name, kDeny, {ArgumentTest{kEqual, 0, ~0u, ~0u}}});  // everybody
    rules.push_back({name, kSeccompAllow, {}});
  }
  rules.push_back({"pidfd_send_signal", kDeny, {}});
  add("fcntl", 2, {kEqual, 1, ~0u, F_SETOWN});
  rules.push_back({"fcntl", kDeny, {ArgumentTest{kEqual, 1, ~0u, F_SETOWN_EX}}});
  return rules;
}

/// What no layer beneath holds: see SeccompPolicy::Unheld.
void SetUnheld(Table& table, const SeccompPolicy& policy) {
  const bool asks = policy.notify != SeccompPolicy::Notify::kNothing;
  if (policy.unheld.truncation) {
    table.SetRulesBefore(GuardedTruncationRules(), CommonRules());
    if (!asks) table.Set("truncate", Return(SeccompErrno(EACCES)));
  }
  if (!policy.unheld.signals) return;
  if (asks) return table.SetRulesBefore(GuardedSignalRules(), CommonRules());
  if (!policy.out_of_reach.empty()) table.SetRulesBefore(SignalRules(policy.out_of_reach), CommonRules());
}

Error UnknownSyscall(const std::string& name) {
  std::vector<std::string> known;
  for (const SyscallGroup& group : SyscallGroups()) known.insert(known.end(), group.names.begin(), group.names.end());
  for (const ArgumentRule& rule : CommonRules()) known.emplace_back(rule.name);
  for (const ArgumentRule& rule : OpenNetworkRules()) known.emplace_back(rule.name);
  std::string message = "unknown system call '" + OneLine(name, 64) + "'";
  if (const auto nearest = Nearest(name, known)) message += "; did you mean '" + *nearest + "'?";
  return Error::Invalid(std::move(message));
}

}  // namespace

Result<BpfProgram> CompileSeccomp(const SeccompPolicy& policy) {
  Table table(policy.notify);
  for (const SyscallGroup& group : SyscallGroups()) {
    for (const std::string_view name : group.names) table.Set(name, Return(table.Answer(group.action)));
  }
  if (policy.own_ipc) {
    for (const std::string_view name : SystemVCalls()) table.Set(name, Return(kSeccompAllow));
  }
  table.SetRules(CommonRules());
  table.SetRules(RulesOf(policy.network));
  if (policy.network == Network::kClosed) table.SetRulesBefore(ClosedInterfaceRules(), CommonRules());
  if (policy.network == Network::kGuarded) table.SetRulesBefore(GuardedInterfaceRules(), CommonRules());
  if (policy.notify != SeccompPolicy::Notify::kNothing) {
    for (const std::string_view name : GuardedFileCalls()) table.Set(name, Return(kSeccompNotify));
    table.Set("inotify_rm_watch", Return(kSeccompAllow));  // of a descriptor that the guard has made
    if (policy.notify == SeccompPolicy::Notify::kMaps) table.SetRules(GuardedMapRules());
    table.Set("execve", NotedExec(policy.silent_exec));
    table.Set("execveat", NotedExec(policy.silent_exec));
  }
  if (policy.default_buffers) table.SetRules(WithDefaultBuffers(RulesOf(policy.network)));
  SetUnheld(table, policy);
  for (const std::string& name : policy.denied_syscalls) {
    if (Table::NumberOf(name) == __NR_SCMP_ERROR) return UnknownSyscall(name);
    for (const std::string& member : SyscallFamily(name)) {
      // Asked about one of its own calls, the guard would grant what it grants.
      const std::uint32_t deny = SeccompErrno(EPERM);
      table.Set(member, Return(GuardGrants(member) ? deny : table.Answer(deny)));
    }
  }

  const std::uint32_t arch = ::seccomp_arch_native();
  const std::vector<Run> runs = table.Runs(arch);
  const BpfProgram search = Search(runs, 0, runs.size());
  BpfProgram program{Statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
                     Jump(BPF_JMP | BPF_JEQ | BPF_K, arch, 1, 0), Statement(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
                     Statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  program.insert(program.end(), search.begin(), search.end());
  return program;
}

std::vector<std::string> SyscallFamily(std::string_view name) {
  std::vector<std::string> members{std::string(name)};
  for (const auto& family : SyscallFamilies()) {
    if (!Contains(family, name)) continue;
    for (const std::string_view member : family) {
      if (member != name) members.emplace_back(member);
    }
  }
  return members;
}

std::string SyscallName(int number) {
  const std::unique_ptr<char, void (*)(void*)> name(::seccomp_syscall_resolve_num_arch(::seccomp_arch_native(), number),
                                                    ::free);
  return name != nullptr ? name.get() : "system call " + std::to_string(number);
}

int InstallSeccomp(const BpfProgram& program) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0 ? 0 : errno;
}

int InstallSeccompWithListener(const BpfProgram& program) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  // Without the second flag before 5.19.
  for (const unsigned long flags :
       {SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, SECCOMP_FILTER_FLAG_NEW_LISTENER}) {
    const long listener = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
    if (listener >= 0) return static_cast<int>(listener);
    if (errno != EINVAL) break;
  }
  return -errno;
}

bool SeccompAvailable() {
  // A kernel with filters gets as far as reading the program.
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, nullptr) != 0 && errno == EFAULT;
}

std::uint32_t EvaluateSeccomp(const BpfProgram& program, const SyscallProbe& probe) {
  seccomp_data data{};
  data.nr = probe.nr;
  data.arch = probe.arch != 0 ? probe.arch : ::seccomp_arch_native();
  std::copy(std::begin(probe.args), std::end(probe.args), std::begin(data.args));
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    const auto branch = [&](bool taken) { at += taken ? step.jt : step.jf; };
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (step.k + sizeof accumulator > sizeof data) return SECCOMP_RET_KILL_PROCESS;
        std::copy_n(reinterpret_cast<const char*>(&data) + step.k, sizeof accumulator,
                    reinterpret_cast<char*>(&accumulator));
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= step.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        branch(accumulator == step.k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        branch(accumulator >= step.k);
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        branch((accumulator & step.k) != 0);
        break;
      case BPF_JMP | BPF_JA:
        at += step.k;
        break;
      case BPF_RET | BPF_K:
        return step.k;
      default:
        return SECCOMP_RET_KILL_PROCESS;
    }
  }
  return SECCOMP_RET_KILL_PROCESS;
}

}  // namespace rune::sandbox
