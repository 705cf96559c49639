/// What the filter of a guarded command hands over, lets through and refuses by itself.
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sandbox/layers/seccomp.h"
#include "sandbox/layers/seccomp_table.h"

namespace rune::sandbox {
namespace {

constexpr std::uint64_t kGarbage = 0xdeadbeef00000000;

class GuardedFilter : public testing::Test {
 protected:
  static std::uint32_t Answer(SyscallProbe probe, std::vector<std::string> denied = {}) {
    const auto program = CompileSeccomp({.network = Network::kGuarded,
                                         .denied_syscalls = std::move(denied),
                                         .notify = SeccompPolicy::Notify::kDenials});
    return program.ok() ? EvaluateSeccomp(*program, probe) : 0;
  }
};

TEST_F(GuardedFilter, HandsOverSocketsThatTheGuardMakes) {
  constexpr std::uint64_t kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  for (const std::uint64_t family : {AF_INET + 0ul, AF_INET6 + 0ul, kGarbage | AF_INET}) {
    for (const std::uint64_t type : {SOCK_STREAM + 0ul, SOCK_DGRAM + 0ul, SOCK_STREAM | kFlags, SOCK_DGRAM | kFlags}) {
      EXPECT_EQ(Answer({.nr = SYS_socket, .args = {family, type, 0}}), kSeccompNotify) << family << " " << type;
    }
  }
  EXPECT_EQ(Answer({.nr = SYS_socket, .args = {AF_UNIX, SOCK_STREAM, 0}}), kSeccompNotify);
}

TEST_F(GuardedFilter, RefusesEveryOtherSocket) {
  EXPECT_EQ(Answer({.nr = SYS_socket, .args = {AF_INET, SOCK_STREAM, 262 /* MPTCP */}}), SeccompErrno(EPROTONOSUPPORT));
  EXPECT_EQ(Answer({.nr = SYS_socket, .args = {AF_INET, SOCK_RAW, IPPROTO_ICMP}}), SeccompErrno(EPROTONOSUPPORT));
  EXPECT_EQ(Answer({.nr = SYS_socket, .args = {AF_INET, SOCK_DGRAM, IPPROTO_ICMP}}), SeccompErrno(EPROTONOSUPPORT));
  EXPECT_EQ(Answer({.nr = SYS_socket, .args = {AF_UNIX, SOCK_DGRAM, 0}}), SeccompErrno(EPROTONOSUPPORT));
  EXPECT_EQ(Answer({.nr = SYS_socket, .args = {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE}}), kSeccompNotify);
  EXPECT_EQ(Answer({.nr = SYS_socket, .args = {AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG}}), SeccompErrno(EAFNOSUPPORT));
  for (const int family : {AF_PACKET, AF_VSOCK, AF_ALG, AF_XDP, AF_BLUETOOTH, AF_SMC, AF_RDS}) {
    for (const int type : {1, 2, 3}) {
      EXPECT_EQ(
          Answer({.nr = SYS_socket, .args = {static_cast<std::uint64_t>(family), static_cast<std::uint64_t>(type), 0}}),
          SeccompErrno(EAFNOSUPPORT))
          << family;
    }
  }
}

TEST_F(GuardedFilter, AsksAboutAddressesAndNotAboutData) {
  EXPECT_EQ(Answer({.nr = SYS_sendto, .args = {3, 0, 0, 0, 0x1000, 16}}), kSeccompNotify);
  EXPECT_EQ(Answer({.nr = SYS_sendto, .args = {3, 0, 0, 0, 0x100000000, 16}}), kSeccompNotify);
  EXPECT_EQ(Answer({.nr = SYS_sendto, .args = {3, 0, 0, 0, 0, 0}}), kSeccompAllow);
  EXPECT_EQ(Answer({.nr = SYS_recvfrom, .args = {3, 0, 0, 0, 0, 0}}), kSeccompAllow);
  EXPECT_EQ(Answer({.nr = SYS_recvfrom, .args = {3, 0, 0, 0, 0x1000, 0x2000}}), kSeccompNotify);
  for (const int number : {SYS_connect, SYS_bind, SYS_listen, SYS_recvmsg, SYS_getsockname, SYS_getpeername}) {
    EXPECT_EQ(Answer({.nr = number}), kSeccompNotify) << number;
  }
  for (const int number : {SYS_sendmsg, SYS_sendmmsg, SYS_accept4, SYS_read, SYS_write, SYS_shutdown}) {
    EXPECT_EQ(Answer({.nr = number}), kSeccompAllow) << number;
  }
}

TEST_F(GuardedFilter, RefusesToSendWithTheOpening) {
  EXPECT_EQ(Answer({.nr = SYS_sendto, .args = {3, 0, 0, MSG_FASTOPEN, 0x1000, 16}}), SeccompErrno(EOPNOTSUPP));
  EXPECT_EQ(Answer({.nr = SYS_sendmsg, .args = {3, 0, MSG_FASTOPEN}}), SeccompErrno(EOPNOTSUPP));
  EXPECT_EQ(Answer({.nr = SYS_sendmmsg, .args = {3, 0, 1, MSG_FASTOPEN | MSG_DONTWAIT}}), SeccompErrno(EOPNOTSUPP));
}

TEST_F(GuardedFilter, AsksAboutOptionsThatAStandInLacks) {
  EXPECT_EQ(Answer({.nr = SYS_setsockopt, .args = {3, IPPROTO_IP, IP_RECVERR}}), kSeccompNotify);
  EXPECT_EQ(Answer({.nr = SYS_setsockopt, .args = {3, SOL_SOCKET, SO_REUSEPORT}}), kSeccompNotify);
  EXPECT_EQ(Answer({.nr = SYS_setsockopt, .args = {3, SOL_SOCKET, SO_KEEPALIVE}}), kSeccompAllow);
  EXPECT_EQ(Answer({.nr = SYS_setsockopt, .args = {3, IPPROTO_TCP, TCP_NODELAY}}), kSeccompAllow);
}

TEST_F(GuardedFilter, RefusesByItselfWhatThePolicyDeniesOfTheGuardsOwnCalls) {
  for (const auto& [name, number] : {std::pair<std::string, int>{"connect", SYS_connect},
                                     {"socket", SYS_socket},
                                     {"bind", SYS_bind},
                                     {"listen", SYS_listen},
                                     {"execve", SYS_execve},
                                     {"execve", SYS_execveat}}) {
    EXPECT_EQ(Answer({.nr = number}, {name}), SeccompErrno(EPERM)) << name;
  }
  EXPECT_EQ(Answer({.nr = SYS_getrandom}, {"getrandom"}), kSeccompNotify) << "refused and noted";
}

}  // namespace
}  // namespace rune::sandbox
