/// Sockets under the guard behave as programs expect: servers on loopback, UDP stand-ins, options, names.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/guard/guarded_run.h"

namespace rune::sandbox {
namespace {

using testing::HasSubstr;

int BindTo(int fd, const std::string& address, std::uint16_t port) {
  sockaddr_in inet = InetAddress(address, port);
  return Errno(::bind(fd, Any(inet), sizeof inet));
}

std::uint16_t PortOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, Any(address), &size);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

class GuardedSockets : public testing::Test {
 protected:
  void SetUp() override {
    if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
  }
  /// Exit status of `act` under the guard; 0 is success.
  int Run(const std::function<int()>& act) {
    result_ = RunGuarded(setup_, act);
    return result_.status;
  }

  GuardedSetup setup_;
  GuardedResult result_;
};

TEST_F(GuardedSockets, ServeOnLoopbackAndAreReached) {
  EXPECT_EQ(Run([] {
              const int server = ::socket(AF_INET, SOCK_STREAM, 0);
              if (const int err = BindTo(server, "127.0.0.1", 0)) return err;
              if (::listen(server, 8) != 0) return errno;
              const std::uint16_t port = PortOf(server);
              for (const std::string to : {"127.0.0.1", "0.0.0.0", "127.0.0.1"}) {
                if (const int err = ConnectTo(to, port)) return err;
                if (const int fd = ::accept(server, nullptr, nullptr); fd < 0 || ::close(fd) != 0) return 200;
              }
              return 0;
            }),
            0);
  EXPECT_TRUE(result_.report.denials.empty());
}

TEST_F(GuardedSockets, AreNotReachedOnAPortThatTheyHaveClosed) {
  EXPECT_EQ(Run([] {
              const int server = ::socket(AF_INET, SOCK_STREAM, 0);
              if (::listen(server, 8) != 0) return errno;
              const std::uint16_t port = PortOf(server);
              if (ConnectTo("127.0.0.1", port) != 0) return 200;
              ::close(server);
              return ConnectTo("127.0.0.1", port);
            }),
            EACCES);
}

TEST_F(GuardedSockets, BindToLoopbackWhenTheyAskForEveryAddress) {
  EXPECT_EQ(Run([] {
              const int server = ::socket(AF_INET, SOCK_STREAM, 0);
              if (const int err = BindTo(server, "0.0.0.0", 0)) return err;
              sockaddr_in local{};
              socklen_t size = sizeof local;
              ::getsockname(server, Any(local), &size);
              return local.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && local.sin_port != 0 ? 0 : 200;
            }),
            0);
}

TEST_F(GuardedSockets, ListenOnLoopbackWhenTheyWereNeverBound) {
  EXPECT_EQ(Run([] {
              const int server = ::socket(AF_INET, SOCK_STREAM, 0);
              if (::listen(server, 8) != 0) return errno;
              sockaddr_in local{};
              socklen_t size = sizeof local;
              ::getsockname(server, Any(local), &size);
              return local.sin_addr.s_addr == htonl(INADDR_LOOPBACK) ? 0 : 200;
            }),
            0);
}

TEST_F(GuardedSockets, BindToNoOtherAddressAndToNoPrivilegedPort) {
  for (const Endpoint& to : {Endpoint{*ParseIp("10.0.0.1"), 18080, 0}, Endpoint{*ParseIp("127.0.0.1"), 80, 0},
                             Endpoint{*ParseIp("0.0.0.0"), 1023, 0}}) {
    const std::string at = Format(to);
    const auto act = [&] { return BindTo(::socket(AF_INET, SOCK_STREAM, 0), Format(to.address), to.port); };
    EXPECT_EQ(Run(act), EACCES) << at;
    EXPECT_TRUE(result_.Denied(DeniedAct::kBind, at)) << at;
    const bool grantable = to.port != 18080;
    EXPECT_EQ(result_.RemedyFor(DeniedAct::kBind, at), grantable ? (Remedy{Grant::kDomain, {at}}) : Remedy());
  }
}

TEST_F(GuardedSockets, ServeOnThePortThatTheyWishThoughAStrangerHasItAndAreFoundThere) {
  HelloServer stranger;
  const std::uint16_t port = stranger.port();
  EXPECT_EQ(RunBare([&] { return BindTo(::socket(AF_INET, SOCK_STREAM, 0), "127.0.0.1", port); }), EADDRINUSE);
  for (const std::string address : {"127.0.0.1", "0.0.0.0"}) {
    EXPECT_EQ(Run([&] {
                const int server = ::socket(AF_INET, SOCK_STREAM, 0);
                if (const int err = BindTo(server, address, port)) return err;
                if (PortOf(server) != port) return 200;
                if (::listen(server, 8) != 0) return errno;
                if (const int err = ConnectTo("127.0.0.1", port)) return err;
                const int client = ::accept(server, nullptr, nullptr);
                if (client < 0) return 201;
                // Its own second server is one too many.
                return BindTo(::socket(AF_INET, SOCK_STREAM, 0), address, port) == EADDRINUSE ? 0 : 202;
              }),
              0)
        << address;
    EXPECT_TRUE(result_.report.denials.empty()) << address;
  }
  EXPECT_EQ(stranger.connections(), 0);
}

TEST_F(GuardedSockets, AreNotReportedWhenTheyWereAskedForBeforeTheyServed) {
  EXPECT_EQ(Run([&] {
              if (ConnectTo("127.0.0.1", 18084) == 0) return 200;
              const int server = ::socket(AF_INET, SOCK_STREAM, 0);
              if (const int err = BindTo(server, "127.0.0.1", 18084)) return err;
              if (::listen(server, 8) != 0) return errno;
              return ConnectTo("127.0.0.1", 18084);
            }),
            0);
  EXPECT_TRUE(result_.report.denials.empty());
  EXPECT_NE(Run([&] { return ConnectTo("127.0.0.1", 18084); }), 0);
  EXPECT_TRUE(result_.Denied(DeniedAct::kConnect, "127.0.0.1:18084"));
}

TEST_F(GuardedSockets, BindToAPortThatARuleNames) {
  for (const std::string address : {"127.0.0.1", "0.0.0.0"}) {
    setup_.rules = {address + ":18081"};
    EXPECT_EQ(Run([&] { return BindTo(::socket(AF_INET, SOCK_STREAM, 0), address, 18081); }), 0) << address;
  }
}

TEST_F(GuardedSockets, BindToNoAddressThatARuleLetsThemReach) {
  const auto bound = [](const std::string& address, std::uint16_t port, in_addr_t& where) {
    const int server = ::socket(AF_INET, SOCK_STREAM, 0);
    if (const int err = BindTo(server, address, port)) return err;
    if (::listen(server, 1) != 0) return errno;
    sockaddr_in local{};
    socklen_t size = sizeof local;
    ::getsockname(server, Any(local), &size);
    where = local.sin_addr.s_addr;
    return 0;
  };
  in_addr_t where = 0;
  EXPECT_EQ(RunBare([&] { return bound("0.0.0.0", 18083, where) != 0 ? errno : where == INADDR_ANY ? 0 : 200; }), 0);
  setup_.rules = {"0.0.0.0/0"};
  for (const std::string address : {"10.0.0.1", "192.0.2.1", "8.8.8.8"})
    EXPECT_EQ(Run([&] { return BindTo(::socket(AF_INET, SOCK_STREAM, 0), address, 18083); }), EACCES) << address;
  EXPECT_EQ(
      Run([&] { return bound("0.0.0.0", 18083, where) != 0 ? errno
                       : where == htonl(INADDR_LOOPBACK)   ? 0
                                                           : 200; }), 0);
}

TEST_F(GuardedSockets, BindAgainToAFreePortThatTheyHaveFound) {
  EXPECT_EQ(Run([] {
              const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
              if (const int err = BindTo(probe, "127.0.0.1", 0)) return err;
              const std::uint16_t port = PortOf(probe);
              ::close(probe);
              return BindTo(::socket(AF_INET, SOCK_STREAM, 0), "127.0.0.1", port);
            }),
            0);
}

TEST_F(GuardedSockets, OfIPv6ServeBothLoopbackAddresses) {
  const auto act = [] {
    const int server = ::socket(AF_INET6, SOCK_STREAM, 0);
    if (server < 0) return errno;
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    if (::bind(server, Any(any), sizeof any) != 0) return errno;
    if (::listen(server, 8) != 0) return errno;
    const std::uint16_t port = PortOf(server);
    if (const int err = ConnectTo("127.0.0.1", port)) return err;
    for (const char* to : {"::1", "::", "::ffff:127.0.0.1"}) {
      const int client = ::socket(AF_INET6, SOCK_STREAM, 0);
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      address.sin6_port = htons(port);
      ::inet_pton(AF_INET6, to, &address.sin6_addr);
      if (::connect(client, Any(address), sizeof address) != 0) return errno;
    }
    return 0;
  };
  if (RunBare(act) != 0) GTEST_SKIP() << "no IPv6 on this machine";
  EXPECT_EQ(Run(act), 0);
}

TEST_F(GuardedSockets, OfIPv6ReachNamesByMappedAddresses) {
  HelloServer server;
  setup_.rules = {"good.test:" + std::to_string(server.port()), "127.0.0.0/8:" + std::to_string(server.port())};
  setup_.hosts = {{"good.test", *ParseIp("127.0.0.1")}};
  for (const int only_v6 : {0, 1}) {
    EXPECT_EQ(Run([&] {
                const int fd = ::socket(AF_INET6, SOCK_STREAM, 0);
                if (fd < 0) return errno;
                ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6);
                sockaddr_in6 address{};
                address.sin6_family = AF_INET6;
                address.sin6_port = htons(server.port());
                const std::string mapped = "::ffff:" + LookUp("good.test");
                ::inet_pton(AF_INET6, mapped.c_str(), &address.sin6_addr);
                if (::connect(fd, Any(address), sizeof address) != 0) return errno;
                return ::write(fd, "GET / HTTP/1.0\r\n\r\n", 18) == 18 ? 0 : errno;
              }),
              0);
  }
}

TEST_F(GuardedSockets, KeepTheirOptionsAndEpollOverANonBlockingConnect) {
  HelloServer server;
  setup_.rules = {"good.test:" + std::to_string(server.port()), "127.0.0.0/8:" + std::to_string(server.port())};
  setup_.hosts = {{"good.test", *ParseIp("127.0.0.1")}};
  EXPECT_EQ(Run([&] {
              const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
              const int one = 1;
              ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
              const int poll = ::epoll_create1(0);
              epoll_event event{EPOLLIN | EPOLLOUT | EPOLLET, {}};
              ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
              sockaddr_in wanted = InetAddress(LookUp("good.test"), server.port());
              if (::connect(fd, Any(wanted), sizeof wanted) != 0 && errno != EINPROGRESS) return errno;
              for (int i = 0; i < 10; ++i) {
                if (::epoll_wait(poll, &event, 1, 2000) != 1) return 201;
                if ((event.events & EPOLLHUP) == 0 && (event.events & EPOLLOUT) != 0) break;
              }
              int error = -1;
              socklen_t size = sizeof error;
              ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
              if (error != 0) return error;
              const std::string request = "GET / HTTP/1.1\r\nHost: good.test\r\n\r\n";
              if (::send(fd, request.data(), request.size(), 0) < 0) return errno;
              char answer[512] = {};
              pollfd ready{fd, POLLIN, 0};
              if (::poll(&ready, 1, 5000) != 1 || ::recv(fd, answer, sizeof answer - 1, 0) <= 0) return 202;
              int nodelay = 0;
              size = sizeof nodelay;
              ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &size);
              const int flags = ::fcntl(fd, F_GETFL);
              return nodelay != 0 && (flags & O_NONBLOCK) != 0 && ::fcntl(fd, F_GETFD) == FD_CLOEXEC ? 0 : 203;
            }),
            0);
}

TEST_F(GuardedSockets, GetTheTrueErrnoFromABlockingConnect) {
  // Nobody listens there.
  setup_.rules = {"127.0.0.1:9"};
  EXPECT_EQ(Run([] {
              const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
              sockaddr_in wanted = InetAddress("127.0.0.1", 9);
              const int err = Errno(::connect(fd, Any(wanted), sizeof wanted));
              return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0 ? err : 200;
            }),
            ECONNREFUSED);
}

TEST_F(GuardedSockets, GetTheKernelsErrnoForBadArguments) {
  EXPECT_EQ(Run([] {
              const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
              sockaddr_in wanted = InetAddress("127.0.0.1", 1);
              if (Errno(::connect(fd, Any(wanted), 3)) != EINVAL) return 1;
              if (Errno(::connect(fd, Any(wanted), 4096)) != EINVAL) return 2;
              if (Errno(::connect(fd, reinterpret_cast<sockaddr*>(8), sizeof wanted)) != EFAULT) return 3;
              if (Errno(::connect(99, Any(wanted), sizeof wanted)) != EBADF) return 4;
              if (Errno(::connect(1, Any(wanted), sizeof wanted)) != ENOTSOCK) return 5;
              wanted.sin_family = AF_INET6;
              if (Errno(::connect(fd, Any(wanted), sizeof wanted)) != EAFNOSUPPORT &&
                  Errno(::connect(fd, Any(wanted), sizeof wanted)) != EINVAL)
                return 6;
              wanted.sin_family = AF_UNSPEC;
              if (Errno(::connect(fd, Any(wanted), sizeof wanted)) != 0) return 7;
              return 0;
            }),
            0);
}

TEST_F(GuardedSockets, OfUdpBelieveThatTheyAre) {
  EXPECT_EQ(Run([] {
              const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
              const int one = 1;
              for (const auto& [level, option] : {std::pair<int, int>{IPPROTO_IP, IP_RECVERR},
                                                  {IPPROTO_IP, IP_MTU_DISCOVER},
                                                  {SOL_SOCKET, SO_REUSEPORT},
                                                  {SOL_SOCKET, SO_REUSEADDR}}) {
                if (::setsockopt(fd, level, option, &one, sizeof one) != 0) return errno;
              }
              sockaddr_in any = InetAddress("0.0.0.0", 0);
              if (::bind(fd, Any(any), sizeof any) != 0) return errno;
              sockaddr_in server = InetAddress("9.9.9.9", 53);
              if (::connect(fd, Any(server), sizeof server) != 0) return errno;
              sockaddr_in name{};
              socklen_t size = sizeof name;
              if (::getpeername(fd, Any(name), &size) != 0 || name.sin_port != htons(53)) return 201;
              if (::getsockname(fd, Any(name), &size) != 0 || name.sin_family != AF_INET || name.sin_port == 0) {
                return 202;
              }
              server.sin_family = AF_UNSPEC;
              if (::connect(fd, Any(server), sizeof server) != 0) return errno;
              return ::getpeername(fd, Any(name), &size) == 0 ? 203 : errno == ENOTCONN ? 0 : errno;
            }),
            0);
  EXPECT_TRUE(result_.report.denials.empty());
}

TEST_F(GuardedSockets, OfUdpSendNowhere) {
  EXPECT_EQ(Run([] {
              const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
              sockaddr_in to = InetAddress("127.0.0.1", 4444);
              return Errno(::sendto(fd, "x", 1, 0, Any(to), sizeof to));
            }),
            EACCES);
  EXPECT_TRUE(result_.Denied(DeniedAct::kSend, "127.0.0.1:4444"));
  EXPECT_EQ(result_.RemedyFor(DeniedAct::kSend, "127.0.0.1:4444"), Remedy()) << "no entry opens UDP";
  EXPECT_EQ(Run([] {
              const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
              sockaddr_in to = InetAddress("8.8.8.8", 443);
              return Errno(::connect(fd, Any(to), sizeof to));
            }),
            ENETUNREACH);
}

TEST_F(GuardedSockets, OfUdpWaitForAnAnswerAsLongAsTheyWant) {
  EXPECT_EQ(Run([] {
              const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
              const timeval timeout{0, 50'000};
              ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
              sockaddr_in from{};
              socklen_t size = sizeof from;
              char byte = 0;
              if (Errno(::recvfrom(fd, &byte, 1, 0, Any(from), &size)) != EAGAIN) return 201;
              return Errno(::recvfrom(fd, &byte, 1, MSG_DONTWAIT, Any(from), &size));
            }),
            EAGAIN);
}

TEST_F(GuardedSockets, OfUdpAreWokenByASignal) {
  EXPECT_EQ(Run([] {
              struct sigaction action{};
              action.sa_handler = [](int) {};
              ::sigaction(SIGALRM, &action, nullptr);
              const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
              sockaddr_in from{};
              socklen_t size = sizeof from;
              char byte = 0;
              const itimerval soon{{}, {0, 100'000}};
              ::setitimer(ITIMER_REAL, &soon, nullptr);
              return Errno(::recvfrom(fd, &byte, 1, 0, Any(from), &size));
            }),
            EINTR);
}

}  // namespace
}  // namespace rune::sandbox
