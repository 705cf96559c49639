/// What a probing child tries. Nothing here may change anything that outlives the child.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "sandbox/guardian/probes.h"

namespace rune::sandbox {
namespace {

int ErrnoOf(long result) { return result < 0 ? errno : 0; }

int Opens(const std::string& path, int flags) {
  if (path.empty()) return kProbeNotTried;
  // A denied path may be a pipe that nobody writes to, or a terminal.
  const UniqueFd fd(::open(path.c_str(), flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
  return fd.valid() ? 0 : errno;
}

/// The exit status of a child of its own that runs `act`.
template <typename Act>
int InChild(Act act) {
  const pid_t pid = ::fork();
  if (pid < 0) return errno;
  if (pid == 0) ::_exit(act());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

int Makes(int family, int type, int protocol) {
  const UniqueFd fd(::socket(family, type | SOCK_CLOEXEC, protocol));
  return fd.valid() ? 0 : errno;
}

struct Capabilities {
  std::uint64_t permitted = ~0ull;
  std::uint64_t effective = ~0ull;
};
Capabilities CapabilitiesOf() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, held) != 0) return {};
  return {held[0].permitted | std::uint64_t{held[1].permitted} << 32,
          held[0].effective | std::uint64_t{held[1].effective} << 32};
}

const sockaddr* Plain(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

int ConnectTcp(const sockaddr_in& address) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  return ErrnoOf(::connect(fd.get(), Plain(address), sizeof address));
}

// --- limits

int OpenTooManyFiles(const ProbeTargets& targets) {
  if (targets.command.open_files == 0) return kProbeNotTried;
  const auto beyond = static_cast<int>(targets.command.open_files);
  const int result = ErrnoOf(::dup2(0, beyond));
  if (result == 0) ::close(beyond);
  return result;
}

int WriteTooLargeFile(const ProbeTargets& targets) {
  if (targets.command.file_bytes == 0) return kProbeNotTried;
  ::signal(SIGXFSZ, SIG_IGN);
  const UniqueFd fd(::open(targets.own_directory.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600));
  if (!fd.valid()) return kProbeNotTried;
  return ErrnoOf(::pwrite(fd.get(), "x", 1, static_cast<off_t>(targets.command.file_bytes)));
}

/// Threads, which count like processes and cost less. They end with the child that made them.
int StartTooManyProcesses(const ProbeTargets& targets) {
  constexpr std::uint32_t kMost = 256;
  constexpr std::size_t kStack = 4096;
  constexpr int kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  if (!targets.counts_pids || targets.limits.pids == 0 || targets.limits.pids > kMost) return kProbeNotTried;
  if (targets.unconfined) return 0;  // nothing but time stands against it
  // Made out here, so that the child never frees its copy: a thread may have its first turn only while the child ends.
  const auto stacks = std::make_unique_for_overwrite<char[]>(kStack * (targets.limits.pids + 1));
  return InChild([&] {
    for (std::size_t i = 0; i <= targets.limits.pids; ++i) {
      const auto sleep = [](void*) -> int {
        return static_cast<int>(::syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr));
      };
      if (::clone(sleep, stacks.get() + kStack * (i + 1), kThread, nullptr) < 0) return errno;
    }
    return 0;
  });
}

int DumpCore(const ProbeTargets&) {
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = limit.rlim_max = 1;
  return ErrnoOf(::setrlimit(RLIMIT_CORE, &limit));
}

// --- network

int ConnectToLoopback(const ProbeTargets& targets) { return ConnectTcp(targets.tcp_address); }

int ConnectFast(const ProbeTargets& targets) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  return ErrnoOf(
      ::sendto(fd.get(), "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, Plain(targets.tcp_address), sizeof targets.tcp_address));
}

int SendDatagram(const ProbeTargets& targets) {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  const auto& to = targets.udp_address;
  if (::sendto(fd.get(), "x", 1, MSG_NOSIGNAL, Plain(to), sizeof to) < 0) return errno;
  // In a network of the command's own nobody hears it, which only a connected socket is told (udp(7)).
  if (::connect(fd.get(), Plain(to), sizeof to) != 0) return errno;
  if (::send(fd.get(), "x", 1, MSG_NOSIGNAL) < 0) return errno;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

int ListenForAll(const ProbeTargets& targets) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  sockaddr_in address = targets.udp_address;  // a port that no stream socket has
  address.sin_addr.s_addr = INADDR_ANY;
  if (::bind(fd.get(), Plain(address), sizeof address) != 0) return errno;
  if (::listen(fd.get(), 1) != 0) return errno;
  sockaddr_in got{};
  socklen_t size = sizeof got;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&got), &size) != 0) return errno;
  return got.sin_addr.s_addr == INADDR_ANY ? 0 : EADDRNOTAVAIL;
}

int ConnectToAbstract(const ProbeTargets& targets) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, targets.abstract_name.data(), targets.abstract_name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + targets.abstract_name.size());
  return ErrnoOf(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length));
}

int MakeRaw(const ProbeTargets&) { return Makes(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
/// Closing one takes the kernel milliseconds, so that outside the right to it is looked at instead.
int MakePacket(const ProbeTargets& targets) {
  if (!targets.unconfined) return Makes(AF_PACKET, SOCK_RAW, 0);
  return (CapabilitiesOf().effective & (1u << CAP_NET_RAW)) != 0 ? 0 : EPERM;
}
int HearOfDevices(const ProbeTargets&) { return Makes(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT); }
int MakeVsock(const ProbeTargets&) { return Makes(AF_VSOCK, SOCK_STREAM, 0); }

// --- seccomp

int Trace(const ProbeTargets&) {
  return InChild([] { return ErrnoOf(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); });
}
int Unshare(const ProbeTargets&) {
  return InChild([] { return ErrnoOf(::unshare(CLONE_NEWUSER)); });
}
int CloneIntoNamespace(const ProbeTargets&) {
  const long pid = ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid == 0) ::_exit(0);
  if (pid > 0) ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
  return ErrnoOf(pid);
}
int Mount(const ProbeTargets&) { return ErrnoOf(::mount("none", "/nonexistent", "tmpfs", 0, nullptr)); }
int UseKeyring(const ProbeTargets&) {
  constexpr int kGetKeyringId = 0;
  constexpr int kProcessKeyring = -2;
  return InChild([] { return ErrnoOf(::syscall(SYS_keyctl, kGetKeyringId, kProcessKeyring, 1)); });
}
int LoadBpf(const ProbeTargets&) {
  bpf_attr attributes{};
  return ErrnoOf(::syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attributes, sizeof attributes));
}
int CountEvents(const ProbeTargets&) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof attributes;
  attributes.config = PERF_COUNT_SW_DUMMY;
  attributes.exclude_kernel = 1;
  const UniqueFd fd(static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0)));
  return fd.valid() ? 0 : errno;
}
int SetUpRing(const ProbeTargets&) {
  alignas(8) char parameters[120] = {};
  const UniqueFd fd(static_cast<int>(::syscall(SYS_io_uring_setup, 1, parameters)));
  return fd.valid() ? 0 : errno;
}
int TypeIntoTerminal(const ProbeTargets&) { return ErrnoOf(::ioctl(0, TIOCSTI, "")); }
int ReadForeignMemory(const ProbeTargets& targets) {
  char byte = 0;
  iovec local{&byte, 1};
  iovec remote{&byte, 1};
  // At a made-up address: EFAULT means that only the address was wrong.
  return ErrnoOf(::process_vm_readv(targets.guardian, &local, 1, &remote, 1, 0));
}

// --- files and other processes

int ListDirectory(const ProbeTargets& targets) { return Opens(targets.unreadable, O_RDONLY | O_DIRECTORY); }
int ReadDenied(const ProbeTargets& targets) { return Opens(targets.denied, O_RDONLY); }
/// A file without a name: gone when it is closed.
int WriteFile(const ProbeTargets& targets) {
  const int result = Opens(targets.unwritable, O_WRONLY | O_TMPFILE);
  return result == EOPNOTSUPP || result == EROFS ? kProbeNotTried : result;
}
int Execute(const ProbeTargets& targets) {
  if (targets.forbidden_program.empty()) return kProbeNotTried;
  return InChild([&] {
    ::close(1), ::close(2);
    char* const argv[] = {const_cast<char*>("true"), nullptr};
    char* const env[] = {nullptr};
    ::execve(targets.forbidden_program.c_str(), argv, env);
    return errno;
  });
}
int OpenGuardianMemory(const ProbeTargets& targets) {
  return Opens("/proc/" + std::to_string(targets.guardian) + "/mem", O_RDONLY);
}
int ReadClientEnvironment(const ProbeTargets& targets) {
  return Opens("/proc/" + std::to_string(targets.client) + "/environ", O_RDONLY);
}
int SignalClient(const ProbeTargets& targets) { return ErrnoOf(::kill(targets.client, 0)); }
int GainPrivileges(const ProbeTargets&) {
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 0;
  const Capabilities held = CapabilitiesOf();
  return held.permitted == 0 && held.effective == 0 ? EPERM : 0;
}

// --- names

/// A header and the question "probe.invalid A IN". Whatever answers, only the guard's own refusal counts.
int LookUpForeignName(const ProbeTargets& targets) {
  static constexpr unsigned char kQuery[] = {0x12, 0x34, 1, 0,   0,   1,   0,   0,   0,   0,   0, 0, 5, 'p', 'r', 'o',
                                             'b',  'e',  7, 'i', 'n', 'v', 'a', 'l', 'i', 'd', 0, 0, 1, 0,   1};
  if (targets.unconfined) return 0;  // would leave the machine: taken as possible
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(53);
  address.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1: documentation, nobody's
  if (::connect(fd.get(), Plain(address), sizeof address) != 0) return errno;
  if (::send(fd.get(), kQuery, sizeof kQuery, MSG_NOSIGNAL) < 0) return errno;
  unsigned char answer[512] = {};
  const timeval patience{0, 200'000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::recv(fd.get(), answer, sizeof answer, 0) < 12) return 0;
  constexpr int kNxDomain = 3;
  return (answer[3] & 0xf) == kNxDomain ? ENOENT : 0;
}

int ConnectToUnnamed(const ProbeTargets& targets) {
  if (targets.unconfined) return 0;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(443);
  address.sin_addr.s_addr = htonl(0xC6120001);  // 198.18.0.1: stands for a name only once that was looked up
  return ConnectTcp(address);
}

}  // namespace

const std::array<ProbeAct, kProbeCount>& ProbeActs() {
  using enum Layer;
  static constexpr std::array<ProbeAct, kProbeCount> kActs{{
      {kLimits, "open more files than allowed", OpenTooManyFiles, {EBADF, EMFILE}},
      {kLimits, "write a larger file than allowed", WriteTooLargeFile, {EFBIG}},
      {kLimits, "start more processes than allowed", StartTooManyProcesses, {EAGAIN}},
      {kLimits, "allow itself a core file", DumpCore, {EPERM}},
      {kNetwork, "connect to a server of this machine", ConnectToLoopback, {EACCES, ECONNREFUSED}},
      {kNetwork, "connect and send in one call", ConnectFast, {EACCES, EOPNOTSUPP}},
      {kNetwork, "send a datagram", SendDatagram, {EACCES, ENETUNREACH, ECONNREFUSED}},
      {kNetwork, "listen on all addresses", ListenForAll, {EACCES, EADDRNOTAVAIL}},
      {kNetwork, "connect to an abstract socket", ConnectToAbstract, {EACCES, EPERM, ECONNREFUSED}},
      {kNetwork, "make a raw socket", MakeRaw, {EACCES, EPERM, EPROTONOSUPPORT}},
      {kNetwork, "make a packet socket", MakePacket, {EAFNOSUPPORT, EPERM}},
      {kNetwork, "hear of the machine's devices (netlink)", HearOfDevices, {EAFNOSUPPORT}},
      {kNetwork, "make a socket to the hypervisor", MakeVsock, {EAFNOSUPPORT}},
      {kSeccomp, "trace a process", Trace, {EPERM}},
      {kSeccomp, "unshare a user namespace", Unshare, {EPERM}},
      {kSeccomp, "clone into a user namespace", CloneIntoNamespace, {EPERM}},
      {kSeccomp, "mount", Mount, {EPERM}},
      {kSeccomp, "use a keyring", UseKeyring, {EPERM, ENOSYS}},
      {kSeccomp, "use bpf", LoadBpf, {EPERM, ENOSYS}},
      {kSeccomp, "count perf events", CountEvents, {EPERM, ENOSYS, EACCES}},
      {kSeccomp, "set up an io_uring", SetUpRing, {ENOSYS, EPERM}},
      {kSeccomp, "type into a terminal", TypeIntoTerminal, {EPERM}},
      {kSeccomp, "read another process's memory", ReadForeignMemory, {EPERM, ENOSYS}},
      {kLandlock, "list a directory outside the grants", ListDirectory, {EACCES}},
      {kLandlock, "read a denied path", ReadDenied, {EACCES, ENOENT}},
      {kLandlock, "write outside the grants", WriteFile, {EACCES, ENOENT}},
      {kLandlock, "execute a program that is not allowed", Execute, {EACCES}},
      {kLandlock, "open the guardian's memory", OpenGuardianMemory, {EACCES, EPERM}},
      {kLandlock, "read the environment of the guardian's client", ReadClientEnvironment, {EACCES, EPERM, ENOENT}},
      {kLandlock, "signal the guardian's client", SignalClient, {EPERM, ESRCH}},
      {kLandlock, "hold a capability or gain one", GainPrivileges, {EPERM}},
      {kNames, "look up a name that is not allowed", LookUpForeignName, {ENOENT, EACCES}},
      {kNames, "connect to an address that no lookup gave", ConnectToUnnamed, {EACCES}},
  }};
  return kActs;
}

}  // namespace rune::sandbox
