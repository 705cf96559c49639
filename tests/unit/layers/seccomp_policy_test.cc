#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <set>

#include "sandbox/layers/seccomp.h"
#include "sandbox/layers/seccomp_table.h"

namespace rune::sandbox {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr std::uint32_t kAllowed = SECCOMP_RET_ALLOW;
constexpr std::uint32_t Fails(int err) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(err); }

BpfProgram Compiled(Network network, std::vector<std::string> denied = {}) {
  auto program = CompileSeccomp({.network = network, .denied_syscalls = std::move(denied)});
  EXPECT_TRUE(program.ok());
  return program.ok() ? *program : BpfProgram{};
}

const BpfProgram& Closed() {
  static const BpfProgram program = Compiled(Network::kClosed);
  return program;
}
const BpfProgram& Open() {
  static const BpfProgram program = Compiled(Network::kOpen);
  return program;
}

int Number(std::string_view name) { return ::seccomp_syscall_resolve_name(std::string(name).c_str()); }

/// What `program` answers to `name`; nullopt where this architecture has no such call.
std::optional<std::uint32_t> Answer(const BpfProgram& program, std::string_view name,
                                    std::vector<std::uint64_t> args = {}) {
  SyscallProbe probe{.nr = Number(name)};
  if (probe.nr < 0) return std::nullopt;
  std::copy(args.begin(), args.end(), probe.args);
  return EvaluateSeccomp(program, probe);
}

struct Row {
  std::uint32_t answer;
  std::vector<std::string_view> names;
};

TEST(SeccompPolicyTest, AnswersEveryKnownBadCall) {
  const Row rows[] = {
      {Fails(EPERM), {"ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "process_madvise", "pidfd_getfd"}},
      {Fails(ENOSYS), {"io_uring_setup", "io_uring_enter", "io_uring_register", "clone3"}},
      {Fails(EPERM), {"bpf", "perf_event_open", "userfaultfd", "add_key", "request_key", "keyctl"}},
      {Fails(EPERM),
       {"mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount",
        "fspick", "mount_setattr", "unshare", "setns"}},
      {Fails(EPERM), {"kexec_load",  "kexec_file_load", "init_module", "finit_module", "delete_module",
                      "reboot",      "swapon",          "swapoff",     "acct",         "quotactl",
                      "quotactl_fd", "lookup_dcookie",  "uselib",      "ustat",        "sysfs",
                      "vhangup",     "syslog",          "iopl",        "ioperm",       "modify_ldt"}},
      {Fails(EPERM), {"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname"}},
      {Fails(EPERM), {"open_by_handle_at", "name_to_handle_at", "fanotify_init", "fanotify_mark"}},
      {Fails(EPERM), {"mbind", "set_mempolicy", "migrate_pages", "move_pages"}},
      {Fails(ENOSYS), {"mq_open", "shmget", "shmat", "semget", "msgget"}},
      {Fails(ENOSYS), {"remap_file_pages", "memfd_create", "memfd_secret"}},
  };
  for (const Row& row : rows) {
    for (const std::string_view name : row.names) {
      for (const BpfProgram* program : {&Closed(), &Open()})
        EXPECT_EQ(Answer(*program, name).value_or(row.answer), row.answer) << name;
    }
  }
}

TEST(SeccompPolicyTest, AllowsWhatProgramsLiveOn) {
  for (const std::string_view name : {"read",
                                      "openat",
                                      "mmap",
                                      "execve",
                                      "execveat",
                                      "fork",
                                      "vfork",
                                      "wait4",
                                      "futex",
                                      "epoll_wait",
                                      "epoll_pwait",
                                      "pipe2",
                                      "splice",
                                      "vmsplice",
                                      "tee",
                                      "getrandom",
                                      "landlock_create_ruleset",
                                      "landlock_restrict_self",
                                      "rseq",
                                      "setuid",
                                      "setgroups",
                                      "capset",
                                      "statx",
                                      "clock_gettime",
                                      "rt_sigreturn",
                                      "sched_yield",
                                      "accept4",
                                      "recvmsg",
                                      "close_range"}) {
    EXPECT_EQ(Answer(Closed(), name).value_or(kAllowed), kAllowed) << name;
  }
}

TEST(SeccompPolicyTest, DoesNotKnowCallsThatDoNotExistYet) {
  for (const int number : {9999, 600, 1023, 0x3fffffff, -1}) {
    EXPECT_EQ(EvaluateSeccomp(Closed(), {.nr = number}), Fails(ENOSYS)) << number;
  }
}

TEST(SeccompPolicyTest, KillsForeignCode) {
  for (const std::uint32_t arch :
       std::initializer_list<std::uint32_t>{AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_MIPS}) {
    EXPECT_EQ(EvaluateSeccomp(Closed(), {.nr = 1, .arch = arch}), SECCOMP_RET_KILL_PROCESS);
  }
#if defined(__x86_64__)
  for (const int number : {0x40000000, 0x40000000 + 39, 0x40000000 + 512}) {
    EXPECT_EQ(EvaluateSeccomp(Closed(), {.nr = number}), SECCOMP_RET_KILL_PROCESS) << "x32";
  }
#endif
}

struct ArgumentCase {
  std::string_view name;
  std::vector<std::uint64_t> args;
  std::uint32_t answer;
};

void ExpectAnswers(const BpfProgram& program, const std::vector<ArgumentCase>& cases) {
  constexpr std::uint64_t kGarbage = 0xdeadbeef00000000;
  for (const ArgumentCase& c : cases) {
    std::vector<std::uint64_t> dirty = c.args;
    for (std::uint64_t& argument : dirty) argument |= kGarbage;
    SCOPED_TRACE(testing::Message() << c.name << " " << testing::PrintToString(c.args));
    EXPECT_EQ(Answer(program, c.name, c.args), c.answer);
    EXPECT_EQ(Answer(program, c.name, dirty), c.answer) << "with garbage in the upper half, which the kernel ignores";
  }
}

TEST(SeccompPolicyTest, LetsCloneMakeThreadsAndProcessesButNoNamespaces) {
  constexpr std::uint64_t kThread =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS;
  std::vector<ArgumentCase> cases{{"clone", {SIGCHLD}, kAllowed},
                                  {"clone", {kThread}, kAllowed},
                                  {"clone", {CLONE_VM | CLONE_VFORK | SIGCHLD}, kAllowed}};
  for (const std::uint64_t flag :
       std::initializer_list<std::uint64_t>{CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
                                            CLONE_NEWPID, CLONE_NEWNET, CLONE_PTRACE, CLONE_UNTRACED, CLONE_PARENT}) {
    cases.push_back({"clone", {flag | SIGCHLD}, Fails(EPERM)});
  }
  ExpectAnswers(Closed(), cases);
}

TEST(SeccompPolicyTest, ChecksTheArgumentsOfTheRest) {
  ExpectAnswers(Closed(), {
                              {"ioctl", {0, TCGETS}, kAllowed},
                              {"ioctl", {0, FIONREAD}, kAllowed},
                              {"ioctl", {0, TIOCSTI}, Fails(EPERM)},
                              {"ioctl", {0, TIOCLINUX}, Fails(EPERM)},
                              {"ioctl", {0, TIOCSETD}, Fails(EPERM)},
                              {"ioctl", {0, TIOCCONS}, Fails(EPERM)},
                              {"ioctl", {0, FS_IOC_GETFLAGS}, kAllowed},
                              {"ioctl", {0, FS_IOC_SETFLAGS}, Fails(EPERM)},
                              {"ioctl", {0, FS_IOC_FSGETXATTR}, kAllowed},
                              {"ioctl", {0, FS_IOC_FSSETXATTR}, Fails(EPERM)},
                              {"ioctl", {0, FS_IOC_ENABLE_VERITY}, Fails(EPERM)},
                              {"ioctl", {0, FICLONE}, kAllowed},
                              {"ioctl", {0, FIDEDUPERANGE}, Fails(EPERM)},
                              {"ioctl", {0, 0x5000940eull}, Fails(EPERM)},  // BTRFS_IOC_SUBVOL_CREATE
                              {"ioctl", {0, 0xdeadbeef00000000ull | FS_IOC_SETFLAGS}, Fails(EPERM)},
                              {"ioctl", {0, SIOCATMARK}, kAllowed},
                              {"ioctl", {0, SIOCSPGRP}, Fails(EPERM)},
                              {"ioctl", {0, FIOSETOWN}, Fails(EPERM)},
                              {"ioctl", {0, SIOCGIFCONF}, Fails(ENODEV)},
                              {"ioctl", {0, SIOCETHTOOL}, Fails(ENODEV)},
                              {"ioctl", {0, 0x8b01}, Fails(ENODEV)},  // SIOCGIWNAME
                              {"fcntl", {0, F_SETFL}, kAllowed},
                              {"fcntl", {0, F_SETLEASE, F_WRLCK}, Fails(EPERM)},
                              {"fcntl", {0, F_SETLEASE, F_RDLCK}, Fails(EPERM)},
                              {"fcntl", {0, F_SETLEASE, F_UNLCK}, kAllowed},
                              {"fcntl", {0, F_NOTIFY, DN_ACCESS}, Fails(EPERM)},
                              {"truncate", {1, 0}, kAllowed},
                              {"openat", {0, 0, O_RDONLY | O_TRUNC}, kAllowed},
                              {"personality", {0}, kAllowed},
                              {"personality", {0x8}, kAllowed},
                              {"personality", {0x20000}, kAllowed},
                              {"personality", {0x20008}, kAllowed},
                              {"personality", {0xffffffff}, kAllowed},
                              {"personality", {0x0400000}, Fails(EPERM)},  // READ_IMPLIES_EXEC
                              {"personality", {0x0040000}, Fails(EPERM)},  // ADDR_NO_RANDOMIZE
                              {"prctl", {PR_SET_NAME}, kAllowed},
                              {"prctl", {PR_SET_DUMPABLE, 0}, Fails(0)},
                              {"prctl", {PR_SET_DUMPABLE, 1}, kAllowed},
                              {"prctl", {PR_SET_MM, 1}, Fails(EPERM)},
                              {"prctl", {PR_SET_PTRACER, 1}, Fails(EPERM)},
                              {"prctl", {PR_SET_SPECULATION_CTRL, 0, PR_SPEC_ENABLE}, Fails(EPERM)},
                              {"prctl", {PR_SET_SPECULATION_CTRL, 0, PR_SPEC_DISABLE}, kAllowed},
                              {"prctl", {PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE}, Fails(EPERM)},
                              {"prctl", {PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL}, kAllowed},
                              {"prctl", {PR_SET_CHILD_SUBREAPER, 1}, kAllowed},
                              {"prctl", {PR_SET_PDEATHSIG, 9}, kAllowed},
                              {"prctl", {PR_SET_SECCOMP, 2}, kAllowed},
                              {"kill", {0xffffffff, 9}, Fails(EPERM)},
                              {"kill", {1234, 9}, kAllowed},
                              {"prlimit64", {0, 7}, kAllowed},
                              {"prlimit64", {1, 7}, Fails(EPERM)},
                              {"sched_setaffinity", {0}, kAllowed},
                              {"sched_setaffinity", {1}, Fails(EPERM)},
                              {"setpriority", {0, 0, 10}, kAllowed},
                              {"setpriority", {0, 1, 10}, Fails(EPERM)},
                              {"setpriority", {2, 0, 10}, Fails(EPERM)},
                              {"seccomp", {SECCOMP_SET_MODE_FILTER, 0}, kAllowed},
                              {"seccomp", {SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER}, Fails(EBUSY)},
                              {"seccomp", {SECCOMP_GET_ACTION_AVAIL, 0}, kAllowed},
                          });
}

TEST(SeccompPolicyTest, MakesNoInternetSocketWhenTheNetworkIsClosed) {
  std::vector<ArgumentCase> cases;
  for (std::uint64_t family = 0; family < 64; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6) continue;
    for (const std::uint64_t type : std::initializer_list<std::uint64_t>{SOCK_STREAM, SOCK_DGRAM, SOCK_RAW})
      cases.push_back({"socket", {family, type, 0}, Fails(EAFNOSUPPORT)});
  }
  for (const std::uint64_t family : std::initializer_list<std::uint64_t>{AF_INET, AF_INET6}) {
    for (const std::uint64_t type : std::initializer_list<std::uint64_t>{1, 2, 3, 4, 5, 6, 10})
      cases.push_back({"socket", {family, type, 0}, Fails(EACCES)});
  }
  ExpectAnswers(Closed(), cases);
}

TEST(SeccompPolicyTest, KeepsLocalSocketsHarmlessWhenTheNetworkIsClosed) {
  ExpectAnswers(
      Closed(),
      {
          {"socket", {AF_UNIX, SOCK_STREAM, 0}, kAllowed},
          {"socket", {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0}, kAllowed},
          {"socket", {AF_UNIX, SOCK_SEQPACKET, 0}, kAllowed},
          {"socket", {AF_UNIX, SOCK_DGRAM, 0}, Fails(EPROTONOSUPPORT)},
          {"socket", {AF_UNIX, SOCK_RAW, 0}, Fails(EPROTONOSUPPORT)},  // the kernel makes a datagram socket of it
          {"connect", {3}, Fails(EACCES)},
          {"socketpair", {AF_UNIX, SOCK_STREAM, 0}, kAllowed},
          {"socketpair", {AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0}, kAllowed},
          {"socketpair", {AF_UNIX, SOCK_DGRAM, 0}, Fails(EPROTONOSUPPORT)},
          {"socketpair", {AF_TIPC, SOCK_STREAM, 0}, Fails(EAFNOSUPPORT)},
          {"sendto", {3, 0, 0, 0}, kAllowed},
          {"sendto", {3, 0, 0, MSG_FASTOPEN | MSG_NOSIGNAL}, Fails(EOPNOTSUPP)},
          {"sendmsg", {3, 0, MSG_FASTOPEN}, Fails(EOPNOTSUPP)},
          {"sendmmsg", {3, 0, 1, MSG_FASTOPEN}, Fails(EOPNOTSUPP)},
          {"sendmmsg", {3, 0, 1, 0}, kAllowed},
      });
}

TEST(SeccompPolicyTest, MakesOnlyTcpUdpAndRouteSocketsWhenTheNetworkIsOpen) {
  ExpectAnswers(Open(), {
                            {"socket", {AF_INET, SOCK_STREAM, 0}, kAllowed},
                            {"socket", {AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP}, kAllowed},
                            {"socket", {AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0}, kAllowed},
                            {"socket", {AF_INET6, SOCK_DGRAM, IPPROTO_UDP}, kAllowed},
                            {"socket", {AF_NETLINK, SOCK_RAW, 0}, kAllowed},
                            {"socket", {AF_NETLINK, SOCK_RAW, 12}, Fails(EAFNOSUPPORT)},      // NETLINK_NETFILTER
                            {"socket", {AF_INET, SOCK_STREAM, 262}, Fails(EPROTONOSUPPORT)},  // IPPROTO_MPTCP
                            {"socket", {AF_INET, SOCK_STREAM, 132}, Fails(EPROTONOSUPPORT)},  // IPPROTO_SCTP
                            {"socket", {AF_INET, SOCK_DGRAM, IPPROTO_ICMP}, Fails(EPROTONOSUPPORT)},
                            {"socket", {AF_INET, SOCK_RAW, IPPROTO_TCP}, Fails(EPROTONOSUPPORT)},
                            {"socket", {AF_INET, SOCK_PACKET, 0}, Fails(EPROTONOSUPPORT)},
                            {"socket", {AF_UNIX, SOCK_STREAM, 0}, Fails(EACCES)},
                            {"connect", {3}, kAllowed},
                            {"setsockopt", {3, SOL_SOCKET, SO_REUSEADDR}, kAllowed},
                            {"setsockopt", {3, SOL_SOCKET, SO_ATTACH_FILTER}, kAllowed},
                            {"setsockopt", {3, IPPROTO_TCP, TCP_NODELAY}, kAllowed},
                            {"setsockopt", {3, IPPROTO_IP, IP_OPTIONS}, Fails(EPERM)},
                            {"setsockopt", {3, IPPROTO_IP, IP_HDRINCL}, Fails(EPERM)},
                            {"setsockopt", {3, IPPROTO_IP, IP_TRANSPARENT}, Fails(EPERM)},
                            {"setsockopt", {3, IPPROTO_IP, IP_FREEBIND}, Fails(EPERM)},
                            {"setsockopt", {3, IPPROTO_IPV6, IPV6_RTHDR}, Fails(EPERM)},
                            {"setsockopt", {3, IPPROTO_IPV6, IPV6_2292RTHDR}, Fails(EPERM)},
                            {"setsockopt", {3, SOL_SOCKET, SO_BINDTODEVICE}, Fails(EPERM)},
                            {"setsockopt", {3, SOL_SOCKET, SO_MARK}, Fails(EPERM)},
                            {"setsockopt", {3, SOL_SOCKET, SO_ATTACH_BPF}, Fails(EPERM)},
                            {"setsockopt", {3, IPPROTO_TCP, TCP_ULP}, Fails(EPERM)},
                            {"setsockopt", {3, IPPROTO_TCP, TCP_REPAIR}, Fails(EPERM)},
                        });
  for (const std::uint64_t family : std::initializer_list<std::uint64_t>{
           AF_PACKET, AF_VSOCK, AF_ALG, AF_XDP, AF_SMC, AF_RDS, AF_TIPC, AF_BLUETOOTH, AF_CAN, AF_KEY}) {
    EXPECT_EQ(Answer(Open(), "socket", {family, SOCK_STREAM, 0}), Fails(EAFNOSUPPORT)) << family;
  }
}

TEST(SeccompPolicyTest, ClosesTheWholeFamilyOfADeniedName) {
  const BpfProgram program = Compiled(Network::kClosed, {"open", "chmod"});
  for (const std::string_view name : {"open", "openat", "openat2", "creat", "chmod", "fchmod", "fchmodat"}) {
    EXPECT_EQ(Answer(program, name).value_or(Fails(EPERM)), Fails(EPERM)) << name;
  }
  EXPECT_EQ(EvaluateSeccomp(program, {.nr = 452}), Fails(EPERM)) << "fchmodat2, which libseccomp does not know";
  EXPECT_EQ(EvaluateSeccomp(Closed(), {.nr = 452}), kAllowed);
  EXPECT_EQ(Answer(program, "read"), kAllowed);
  EXPECT_EQ(Answer(Compiled(Network::kClosed, {"clone"}), "clone", {SIGCHLD}), Fails(EPERM))
      << "argument rules give way";
}

TEST(SeccompPolicyTest, KnowsFamilies) {
  EXPECT_THAT(SyscallFamily("ptrace"), Contains("process_vm_readv"));
  EXPECT_THAT(SyscallFamily("mount"), testing::AllOf(Contains("umount2"), Contains("move_mount"), Contains("fsopen")));
  EXPECT_THAT(SyscallFamily("kexec_load"), Contains("kexec_file_load"));
  EXPECT_THAT(SyscallFamily("clone"), testing::AllOf(Contains("clone3"), Contains("fork"), Contains("vfork")));
  EXPECT_THAT(SyscallFamily("unshare"), Contains("setns"));
  EXPECT_THAT(SyscallFamily("getrandom"), testing::ElementsAre("getrandom"));
}

TEST(SeccompPolicyTest, RefusesAnUnknownNameAndNamesTheNearest) {
  const auto program = CompileSeccomp({.denied_syscalls = {"getrandom2"}});
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().kind, ErrorKind::kInvalidInput);
  EXPECT_THAT(program.error().message, HasSubstr("unknown system call 'getrandom2'; did you mean 'getrandom'?"));
  EXPECT_FALSE(CompileSeccomp({.denied_syscalls = {""}}).ok());
  EXPECT_TRUE(CompileSeccomp({.denied_syscalls = {"statmount", "umount", "socketcall"}}).ok())
      << "known elsewhere, or newer than libseccomp";
}

TEST(SeccompTable, NamesEveryCallOnceAndNoneThatDoesNotExist) {
  std::set<std::string_view> seen;
  const auto exists = [](std::string_view name) {
    if (Number(name) != __NR_SCMP_ERROR) return true;
    const auto newer = NewerSyscalls();
    return std::any_of(newer.begin(), newer.end(), [&](const NewerSyscall& call) { return call.name == name; });
  };
  for (const SyscallGroup& group : SyscallGroups()) {
    EXPECT_FALSE(group.reason.empty());
    for (const std::string_view name : group.names) {
      EXPECT_TRUE(exists(name)) << name;
      EXPECT_TRUE(seen.insert(name).second) << name << " is in two groups";
    }
  }
  for (const auto rules : {CommonRules(), ClosedNetworkRules(), OpenNetworkRules()}) {
    for (const ArgumentRule& rule : rules) {
      EXPECT_TRUE(exists(rule.name)) << rule.name;
      EXPECT_FALSE(seen.contains(rule.name)) << rule.name << " has rules and is in a group";
    }
  }
  for (const auto& family : SyscallFamilies()) {
    for (const std::string_view name : family) EXPECT_TRUE(exists(name)) << name;
  }
}

TEST(SeccompTable, EndsTheRulesOfEveryCallWithOneThatAlwaysAnswers) {
  for (const auto rules : {CommonRules(), ClosedNetworkRules(), OpenNetworkRules()}) {
    std::set<std::string_view> closed;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      EXPECT_FALSE(closed.contains(rules[i].name)) << rules[i].name << " is not in one place";
      const bool last = i + 1 == rules.size() || rules[i + 1].name != rules[i].name;
      EXPECT_EQ(rules[i].tests[0].kind == ArgumentTest::Kind::kNone, last) << rules[i].name;
      if (last) closed.insert(rules[i].name);
    }
  }
}

TEST(SeccompTable, StaysSmallEnoughToAttachQuickly) {
  EXPECT_LT(Closed().size(), 600u);
  EXPECT_LT(Open().size(), 800u);
}

}  // namespace
}  // namespace rune::sandbox
