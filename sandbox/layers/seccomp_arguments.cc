#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/netlink.h>
#include <linux/prctl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "sandbox/layers/seccomp_table.h"

namespace rune::sandbox {
namespace {

constexpr std::uint32_t kDeny = SeccompErrno(EPERM);
/// SECCOMP_RET_ERRNO with 0: the call is skipped and reports success.
constexpr std::uint32_t kPretend = SeccompErrno(0);
constexpr std::uint32_t kNoFamily = SeccompErrno(EAFNOSUPPORT);
constexpr std::uint32_t kNoProtocol = SeccompErrno(EPROTONOSUPPORT);
constexpr std::uint32_t kNoAccess = SeccompErrno(EACCES);

constexpr ArgumentTest Is(std::uint8_t argument, std::uint32_t value, std::uint32_t mask = ~0u) {
  return {ArgumentTest::Kind::kEqual, argument, mask, value};
}
constexpr ArgumentTest Any(std::uint8_t argument, std::uint32_t bits) {
  return {ArgumentTest::Kind::kAnyBit, argument, bits, 0};
}
/// The type of socket(2) without SOCK_CLOEXEC and SOCK_NONBLOCK.
constexpr ArgumentTest Type(std::uint32_t type) { return Is(1, type, 0xf); }

/// An ioctl of this type (_IOC_TYPE).
constexpr ArgumentTest OfKind(std::uint32_t type) { return Is(1, type << 8, 0xff00); }

/// Namespaces, tracing behind the back, and a child that would be the guardian's instead of the command's.
constexpr std::uint32_t kForbiddenClone = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                          CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE | CLONE_UNTRACED | CLONE_PARENT;

// linux/personality.h, whose enumerations do not combine.
constexpr std::uint32_t kPersonality32 = 0x8;
constexpr std::uint32_t kUname26 = 0x20000;

constexpr std::uint32_t kCreates = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);
constexpr std::uint32_t kSetId = S_ISUID | S_ISGID;

constexpr ArgumentRule kCommon[] = {
    {"clone", kDeny, {Any(0, kForbiddenClone)}},
    {"clone", kSeccompAllow},

    // Typing into somebody's terminal, and line disciplines.
    {"ioctl", kDeny, {Is(1, TIOCSTI)}},
    {"ioctl", kDeny, {Is(1, TIOCLINUX)}},
    {"ioctl", kDeny, {Is(1, TIOCSETD)}},
    {"ioctl", kDeny, {Is(1, TIOCCONS)}},
    // Signals to whom no filter can see.
    {"ioctl", kDeny, {Is(1, FIOSETOWN)}},
    {"ioctl", kDeny, {Is(1, SIOCSPGRP)}},
    // What file systems offer on a descriptor that may only read: flags, attributes, verity, subvolumes. Landlock holds
    // ioctls of devices alone, and file modes are all that most of these ask for.
    {"ioctl", kSeccompAllow, {Is(1, FS_IOC_GETFLAGS)}},
    {"ioctl", kSeccompAllow, {Is(1, FS_IOC_GETVERSION)}},
    {"ioctl", kSeccompAllow, {Is(1, FS_IOC_FSGETXATTR)}},
    {"ioctl", kSeccompAllow, {Is(1, FS_IOC_FIEMAP)}},
    {"ioctl", kSeccompAllow, {Is(1, FS_IOC_GETFSLABEL)}},
    {"ioctl", kSeccompAllow, {Is(1, FS_IOC_MEASURE_VERITY)}},
    {"ioctl", kSeccompAllow, {Is(1, FICLONE)}},
    {"ioctl", kSeccompAllow, {Is(1, FICLONERANGE)}},
    {"ioctl", kDeny, {OfKind('f')}},   // ext4, and common to all
    {"ioctl", kDeny, {OfKind('v')}},   // generations of inodes
    {"ioctl", kDeny, {OfKind('X')}},   // XFS, and common to all
    {"ioctl", kDeny, {OfKind(0x94)}},  // btrfs, and common to all
    {"ioctl", kDeny, {OfKind(0xf5)}},  // f2fs
    {"ioctl", kDeny, {OfKind('r')}},   // FAT
    {"ioctl", kSeccompAllow},

    // A lease makes everybody wait who opens the file; a watch on a directory tells what others do there.
    {"fcntl", kSeccompAllow, {Is(1, F_SETLEASE), Is(2, F_UNLCK)}},
    {"fcntl", kDeny, {Is(1, F_SETLEASE)}},
    {"fcntl", kDeny, {Is(1, F_NOTIFY)}},
    {"fcntl", kSeccompAllow},

    // Not READ_IMPLIES_EXEC and not ADDR_NO_RANDOMIZE; 0xffffffff only asks.
    {"personality", kSeccompAllow, {Is(0, 0)}},
    {"personality", kSeccompAllow, {Is(0, kPersonality32)}},
    {"personality", kSeccompAllow, {Is(0, kUname26)}},
    {"personality", kSeccompAllow, {Is(0, kUname26 | kPersonality32)}},
    {"personality", kSeccompAllow, {Is(0, 0xffffffff)}},
    {"personality", kDeny},

    // A process that is not dumpable hides from the guardian; ssh-agent and others insist on the setting.
    {"prctl", kPretend, {Is(0, PR_SET_DUMPABLE), Is(1, 0)}},
    {"prctl", kDeny, {Is(0, PR_SET_MM)}},
    {"prctl", kDeny, {Is(0, PR_SET_PTRACER)}},
    {"prctl", kDeny, {Is(0, PR_SET_SPECULATION_CTRL), Is(2, PR_SPEC_ENABLE)}},
    {"prctl", kDeny, {Is(0, PR_CAP_AMBIENT), Is(1, PR_CAP_AMBIENT_RAISE)}},
    {"prctl", kSeccompAllow},

    // A file that changes who runs it is of no use in here, and a danger outside. What openat2(2) is told no filter can
    // see, so that it does not exist; nor do watches, which no right of Landlock holds.
    {"open", kDeny, {Any(1, kCreates), Any(2, kSetId)}},
    {"open", kSeccompAllow},
    {"openat", kDeny, {Any(2, kCreates), Any(3, kSetId)}},
    {"openat", kSeccompAllow},
    {"creat", kDeny, {Any(1, kSetId)}},
    {"creat", kSeccompAllow},
    {"mknod", kDeny, {Any(1, kSetId)}},
    {"mknod", kSeccompAllow},
    {"mknodat", kDeny, {Any(2, kSetId)}},
    {"mknodat", kSeccompAllow},
    {"chmod", kDeny, {Any(1, kSetId)}},
    {"chmod", kSeccompAllow},
    {"fchmod", kDeny, {Any(1, kSetId)}},
    {"fchmod", kSeccompAllow},
    {"fchmodat", kDeny, {Any(2, kSetId)}},
    {"fchmodat", kSeccompAllow},
    {"fchmodat2", kDeny, {Any(2, kSetId)}},
    {"fchmodat2", kSeccompAllow},

    // kill(-1) is every process of the user, where Landlock does not scope signals (before ABI 6).
    {"kill", kDeny, {Is(0, 0xffffffff)}},
    {"kill", kSeccompAllow},

    // The limits and the scheduling of other processes of the same user, which no Landlock right covers.
    {"prlimit64", kSeccompAllow, {Is(0, 0)}},
    {"prlimit64", kDeny},
    {"sched_setaffinity", kSeccompAllow, {Is(0, 0)}},
    {"sched_setaffinity", kDeny},
    {"sched_setattr", kSeccompAllow, {Is(0, 0)}},
    {"sched_setattr", kDeny},
    {"sched_setparam", kSeccompAllow, {Is(0, 0)}},
    {"sched_setparam", kDeny},
    {"sched_setscheduler", kSeccompAllow, {Is(0, 0)}},
    {"sched_setscheduler", kDeny},
    {"setpriority", kSeccompAllow, {Is(0, PRIO_PROCESS), Is(1, 0)}},
    {"setpriority", kDeny},
    {"ioprio_set", kSeccompAllow, {Is(0, 1 /* IOPRIO_WHO_PROCESS */), Is(1, 0)}},
    {"ioprio_set", kDeny},

    // A filter of one's own only tightens. A listener there can be only one of, and it is not the command's.
    {"seccomp", SeccompErrno(EBUSY), {Is(0, SECCOMP_SET_MODE_FILTER), Any(1, SECCOMP_FILTER_FLAG_NEW_LISTENER)}},
    {"seccomp", kSeccompAllow},

    // Connects and sends in one call, past connect(2) and past Landlock's TCP rights.
    {"sendto", SeccompErrno(EOPNOTSUPP), {Any(3, MSG_FASTOPEN)}},
    {"sendto", kSeccompAllow},
    {"sendmsg", SeccompErrno(EOPNOTSUPP), {Any(2, MSG_FASTOPEN)}},
    {"sendmsg", kSeccompAllow},
    {"sendmmsg", SeccompErrno(EOPNOTSUPP), {Any(3, MSG_FASTOPEN)}},
    {"sendmmsg", kSeccompAllow},

    // Not SOCK_DGRAM: sendto(2) takes one end of such a pair to any path.
    {"socketpair", kSeccompAllow, {Is(0, AF_UNIX), Type(SOCK_STREAM)}},
    {"socketpair", kSeccompAllow, {Is(0, AF_UNIX), Type(SOCK_SEQPACKET)}},
    {"socketpair", kNoProtocol, {Is(0, AF_UNIX)}},
    {"socketpair", kNoFamily},
};

constexpr ArgumentRule kClosed[] = {
    {"socket", kSeccompAllow, {Is(0, AF_UNIX), Type(SOCK_STREAM)}},
    {"socket", kSeccompAllow, {Is(0, AF_UNIX), Type(SOCK_SEQPACKET)}},
    {"socket", kNoProtocol, {Is(0, AF_UNIX)}},
    {"socket", kNoAccess, {Is(0, AF_INET)}},
    {"socket", kNoAccess, {Is(0, AF_INET6)}},
    {"socket", kNoFamily},

    // What is left to connect to are sockets with a path: D-Bus, Docker, agents of ssh and gpg. No filter sees the
    // path, and Landlock has no right for it before ABI 9.
    {"connect", kNoAccess},
    // Nor can it be seen whether a server would have a path, which Landlock holds, or an abstract name for all to
    // reach.
    {"bind", kNoAccess},
    {"listen", kNoAccess},
    {"setsockopt", kSeccompAllow},
};

/// Asked of the guard wherever there is one: what a path or a descriptor leads to no filter can see, and Landlock has
/// no right for it.
constexpr std::string_view kGuardedFileCalls[] = {"chmod",        "fchmod",        "fchmodat",         "fchmodat2",
                                                  "chown",        "lchown",        "fchown",           "fchownat",
                                                  "utime",        "utimes",        "futimesat",        "utimensat",
                                                  "setxattr",     "lsetxattr",     "fsetxattr",        "setxattrat",
                                                  "removexattr",  "lremovexattr",  "fremovexattr",     "removexattrat",
                                                  "inotify_init", "inotify_init1", "inotify_add_watch"};

/// Mapping a file for execution: how the dynamic loader runs what may only be read.
constexpr ArgumentRule kGuardedMaps[] = {
    {"mmap", kSeccompNotify, {Any(2, PROT_EXEC), Is(3, 0, MAP_ANONYMOUS)}},
    {"mmap", kSeccompAllow},
};

/// kill(0) is the command's own group, which lies in its own session; F_SETOWN of 0 is nobody.
constexpr ArgumentRule kGuardedSignals[] = {
    {"kill", kSeccompAllow, {Is(0, 0)}},
    {"kill", kSeccompNotify},
    {"tkill", kSeccompNotify},
    {"tgkill", kSeccompNotify},
    {"rt_sigqueueinfo", kSeccompNotify},
    {"rt_tgsigqueueinfo", kSeccompNotify},
    {"pidfd_send_signal", kSeccompNotify},
    {"fcntl", kSeccompAllow, {Is(1, F_SETOWN), Is(2, 0)}},
    {"fcntl", kSeccompNotify, {Is(1, F_SETOWN)}},
    {"fcntl", kSeccompNotify, {Is(1, F_SETOWN_EX)}},
};

/// What opens for writing needs Landlock's right to write; O_TRUNC without that asks for none (POSIX leaves undefined
/// what it does). Access mode 3 is neither reading nor writing to Landlock, and both to file modes.
constexpr ArgumentRule kGuardedTruncation[] = {
    {"truncate", kSeccompNotify},
    {"open", kNoAccess, {Is(1, O_TRUNC | O_RDONLY, O_TRUNC | O_ACCMODE)}},
    {"open", kNoAccess, {Is(1, O_TRUNC | O_ACCMODE, O_TRUNC | O_ACCMODE)}},
    {"openat", kNoAccess, {Is(2, O_TRUNC | O_RDONLY, O_TRUNC | O_ACCMODE)}},
    {"openat", kNoAccess, {Is(2, O_TRUNC | O_ACCMODE, O_TRUNC | O_ACCMODE)}},
};

constexpr std::uint32_t kSocketIoctl = 0x89;    // linux/sockios.h
constexpr std::uint32_t kWirelessIoctl = 0x8b;  // linux/wireless.h
constexpr std::uint32_t kNoDevice = SeccompErrno(ENODEV);

/// The first ones speak of the socket itself: who gets its signals, its urgent byte, what waits to be sent.
constexpr ArgumentRule kClosedInterfaces[] = {
    {"ioctl", kDeny, {Is(1, FIOSETOWN)}},           {"ioctl", kDeny, {Is(1, SIOCSPGRP)}},
    {"ioctl", kSeccompAllow, {Is(1, FIOGETOWN)}},   {"ioctl", kSeccompAllow, {Is(1, SIOCGPGRP)}},
    {"ioctl", kSeccompAllow, {Is(1, SIOCATMARK)}},  {"ioctl", kSeccompAllow, {Is(1, SIOCOUTQNSD)}},
    {"ioctl", kNoDevice, {OfKind(kWirelessIoctl)}}, {"ioctl", kNoDevice, {OfKind(kSocketIoctl)}},
};
constexpr auto kGuardedInterfaces = [] {
  auto rules = std::to_array(kClosedInterfaces);
  rules.back().action = kSeccompNotify;
  return rules;
}();

constexpr ArgumentTest NotNull(std::uint8_t argument) { return {ArgumentTest::Kind::kNotNull, argument, ~0u, 0}; }

/// What changes the address on the wire or the interface, and socket filters beyond the classic one: refused wherever
/// there are internet sockets.
constexpr ArgumentRule kForbiddenOptions[] = {
    {"setsockopt", kDeny, {Is(1, IPPROTO_IP), Is(2, IP_OPTIONS)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IP), Is(2, IP_HDRINCL)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IP), Is(2, IP_TRANSPARENT)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IP), Is(2, IP_FREEBIND)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_2292HOPOPTS)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_2292DSTOPTS)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_2292RTHDR)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_2292PKTOPTIONS)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_HDRINCL)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_HOPOPTS)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_RTHDRDSTOPTS)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_RTHDR)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_DSTOPTS)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_TRANSPARENT)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_FREEBIND)}},
    {"setsockopt", kDeny, {Is(1, SOL_SOCKET), Is(2, SO_BINDTODEVICE)}},
    {"setsockopt", kDeny, {Is(1, SOL_SOCKET), Is(2, SO_BINDTOIFINDEX)}},
    {"setsockopt", kDeny, {Is(1, SOL_SOCKET), Is(2, SO_MARK)}},
    {"setsockopt", kDeny, {Is(1, SOL_SOCKET), Is(2, SO_ATTACH_BPF)}},
    {"setsockopt", kDeny, {Is(1, SOL_SOCKET), Is(2, SO_ATTACH_REUSEPORT_CBPF)}},
    {"setsockopt", kDeny, {Is(1, SOL_SOCKET), Is(2, SO_ATTACH_REUSEPORT_EBPF)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_TCP), Is(2, TCP_ULP)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_TCP), Is(2, TCP_REPAIR)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_TCP), Is(2, TCP_FASTOPEN_CONNECT)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_TCP), Is(2, TCP_FASTOPEN_NO_COOKIE)}},
};

/// Internet sockets are made by the guard; what a filter cannot see (an address) is asked of it.
constexpr ArgumentRule kGuardedSockets[] = {
    {"socket", kSeccompNotify, {Is(0, AF_INET), Type(SOCK_STREAM), Is(2, 0)}},
    {"socket", kSeccompNotify, {Is(0, AF_INET), Type(SOCK_STREAM), Is(2, IPPROTO_TCP)}},
    {"socket", kSeccompNotify, {Is(0, AF_INET), Type(SOCK_DGRAM), Is(2, 0)}},
    {"socket", kSeccompNotify, {Is(0, AF_INET), Type(SOCK_DGRAM), Is(2, IPPROTO_UDP)}},
    {"socket", kSeccompNotify, {Is(0, AF_INET6), Type(SOCK_STREAM), Is(2, 0)}},
    {"socket", kSeccompNotify, {Is(0, AF_INET6), Type(SOCK_STREAM), Is(2, IPPROTO_TCP)}},
    {"socket", kSeccompNotify, {Is(0, AF_INET6), Type(SOCK_DGRAM), Is(2, 0)}},
    {"socket", kSeccompNotify, {Is(0, AF_INET6), Type(SOCK_DGRAM), Is(2, IPPROTO_UDP)}},
    {"socket", kSeccompNotify, {Is(0, AF_UNIX), Type(SOCK_STREAM)}},
    {"socket", kSeccompNotify, {Is(0, AF_UNIX), Type(SOCK_SEQPACKET)}},
    {"socket", kSeccompNotify, {Is(0, AF_NETLINK), Is(2, NETLINK_ROUTE)}},
    {"socket", kNoProtocol, {Is(0, AF_UNIX)}},
    {"socket", kNoProtocol, {Is(0, AF_INET)}},
    {"socket", kNoProtocol, {Is(0, AF_INET6)}},
    {"socket", kNoFamily},
    {"connect", kSeccompNotify},
    {"bind", kSeccompNotify},
    {"listen", kSeccompNotify},
    {"getsockname", kSeccompNotify},
    {"getpeername", kSeccompNotify},
    {"sendto", SeccompErrno(EOPNOTSUPP), {Any(3, MSG_FASTOPEN)}},
    {"sendto", kSeccompNotify, {NotNull(4)}},
    {"sendto", kSeccompAllow},
    {"recvfrom", kSeccompNotify, {NotNull(4)}},
    {"recvfrom", kSeccompAllow},
    {"recvmsg", kSeccompNotify},
};

constexpr ArgumentRule kGuardedOptions[] = {
    // A TCP socket can join groups by these, and the kernel tells the neighbours (RFC 3376, RFC 3810): 112 bits of a
    // command's choice.
    {"setsockopt", kDeny, {Is(1, IPPROTO_IP), Is(2, IP_ADD_MEMBERSHIP)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IP), Is(2, IP_ADD_SOURCE_MEMBERSHIP)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IP), Is(2, MCAST_JOIN_GROUP)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IP), Is(2, MCAST_JOIN_SOURCE_GROUP)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_JOIN_GROUP)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, IPV6_JOIN_ANYCAST)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, MCAST_JOIN_GROUP)}},
    {"setsockopt", kDeny, {Is(1, IPPROTO_IPV6), Is(2, MCAST_JOIN_SOURCE_GROUP)}},
    // A stand-in for UDP is no internet socket: the guard lets these succeed there, and elsewhere the kernel sets them.
    {"setsockopt", kSeccompNotify, {Is(1, IPPROTO_IP)}},
    {"setsockopt", kSeccompNotify, {Is(1, IPPROTO_IPV6)}},
    {"setsockopt", kSeccompNotify, {Is(1, SOL_SOCKET), Is(2, SO_REUSEPORT)}},
    {"setsockopt", kSeccompAllow},
};

constexpr ArgumentRule kOpenSockets[] = {
    {"socket", kSeccompAllow, {Is(0, AF_INET), Type(SOCK_STREAM), Is(2, 0)}},
    {"socket", kSeccompAllow, {Is(0, AF_INET), Type(SOCK_STREAM), Is(2, IPPROTO_TCP)}},
    {"socket", kSeccompAllow, {Is(0, AF_INET), Type(SOCK_DGRAM), Is(2, 0)}},
    {"socket", kSeccompAllow, {Is(0, AF_INET), Type(SOCK_DGRAM), Is(2, IPPROTO_UDP)}},
    {"socket", kSeccompAllow, {Is(0, AF_INET6), Type(SOCK_STREAM), Is(2, 0)}},
    {"socket", kSeccompAllow, {Is(0, AF_INET6), Type(SOCK_STREAM), Is(2, IPPROTO_TCP)}},
    {"socket", kSeccompAllow, {Is(0, AF_INET6), Type(SOCK_DGRAM), Is(2, 0)}},
    {"socket", kSeccompAllow, {Is(0, AF_INET6), Type(SOCK_DGRAM), Is(2, IPPROTO_UDP)}},
    {"socket", kSeccompAllow, {Is(0, AF_NETLINK), Is(2, NETLINK_ROUTE)}},
    {"socket", kNoProtocol, {Is(0, AF_INET)}},
    {"socket", kNoProtocol, {Is(0, AF_INET6)}},
    // connect(2) must be open here, so that what leads to D-Bus or Docker must not exist.
    {"socket", kNoAccess, {Is(0, AF_UNIX)}},
    {"socket", kNoFamily},
    {"connect", kSeccompAllow},
    {"bind", kSeccompAllow},
    {"listen", kSeccompAllow},
};

constexpr ArgumentRule kOpenOptions[] = {{"setsockopt", kSeccompAllow}};

/// The options come last in both, so that the rules of a name stay adjacent.
template <std::size_t... sizes>
constexpr auto Joined(const ArgumentRule (&... parts)[sizes]) {
  std::array<ArgumentRule, (sizes + ...)> all{};
  std::size_t at = 0;
  const auto add = [&](const auto& part) {
    for (const ArgumentRule& rule : part) all[at++] = rule;
  };
  (add(parts), ...);
  return all;
}
constexpr auto kGuarded = Joined(kGuardedSockets, kForbiddenOptions, kGuardedOptions);
constexpr auto kOpen = Joined(kOpenSockets, kForbiddenOptions, kOpenOptions);

}  // namespace

std::span<const ArgumentRule> CommonRules() { return kCommon; }
std::span<const ArgumentRule> ClosedNetworkRules() { return kClosed; }
std::span<const std::string_view> GuardedFileCalls() { return kGuardedFileCalls; }
std::span<const ArgumentRule> GuardedMapRules() { return kGuardedMaps; }
std::span<const ArgumentRule> GuardedSignalRules() { return kGuardedSignals; }
std::span<const ArgumentRule> ClosedInterfaceRules() { return kClosedInterfaces; }
std::span<const ArgumentRule> GuardedInterfaceRules() { return kGuardedInterfaces; }
std::span<const ArgumentRule> GuardedTruncationRules() { return kGuardedTruncation; }
std::span<const ArgumentRule> GuardedNetworkRules() { return kGuarded; }
std::span<const ArgumentRule> OpenNetworkRules() { return kOpen; }

}  // namespace rune::sandbox
