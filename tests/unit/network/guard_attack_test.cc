/// Hostile commands: they swap memory and descriptors under the guard, flood it, die, and lie.
#include <dirent.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "sandbox/base/files.h"
#include "tests/unit/network/guarded_run.h"

namespace rune::sandbox {
namespace {

constexpr auto kFlipTime = std::chrono::seconds(2);

template <typename T>
sockaddr* Any(T& address) {
  return reinterpret_cast<sockaddr*>(&address);
}

int Errno(long result) { return result < 0 ? errno : 0; }

std::size_t OpenDescriptors() {
  std::size_t count = 0;
  DIR* dir = ::opendir("/proc/self/fd");
  while (::readdir(dir) != nullptr) ++count;
  ::closedir(dir);
  return count;
}

/// A UDP socket that should hear nothing.
class Witness {
 public:
  Witness() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in local = InetAddress("127.0.0.1", 0);
    socklen_t size = sizeof local;
    ::bind(fd_.get(), Any(local), sizeof local);
    ::getsockname(fd_.get(), Any(local), &size);
    port_ = ntohs(local.sin_port);
  }
  std::uint16_t port() const { return port_; }
  bool HeardSomething() const {
    char byte = 0;
    return ::recv(fd_.get(), &byte, 1, MSG_DONTWAIT) >= 0;
  }

 private:
  UniqueFd fd_;
  std::uint16_t port_ = 0;
};

/// Writes two ports in turn into an address until it is destroyed.
class Flipper {
 public:
  Flipper(sockaddr_in& address, std::uint16_t first, std::uint16_t second) {
    thread_ = std::thread([this, &address, first, second] {
      volatile in_port_t& port = address.sin_port;
      while (!stop_) {
        port = htons(first);
        port = htons(second);
      }
    });
  }
  ~Flipper() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class GuardedAttack : public testing::Test {
 protected:
  void SetUp() override {
    if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
    setup_.rules = {"good.test:" + std::to_string(good_.port()), "127.0.0.1:" + std::to_string(good_.port())};
    setup_.hosts = {{"good.test", *ParseIp("127.0.0.1")}};
  }
  int Run(const std::function<int()>& act) {
    result_ = RunGuarded(setup_, act);
    return result_.status;
  }

  HelloServer good_;
  HelloServer evil_;
  GuardedSetup setup_;
  GuardedResult result_;
};

TEST_F(GuardedAttack, SwapsThePortUnderConnectInVain) {
  EXPECT_EQ(Run([&] {
              sockaddr_in address = InetAddress("127.0.0.1", good_.port());
              const Flipper flipper(address, good_.port(), evil_.port());
              int passed = 0;
              int refused = 0;
              for (const TimePoint end = Clock::now() + kFlipTime; Clock::now() < end;) {
                const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
                const int err = Errno(::connect(fd, Any(address), sizeof address));
                ::close(fd);
                ++(err == 0 ? passed : refused);
                if (err != 0 && err != EACCES) return err;
              }
              std::printf("%d connections, %d refusals\n", passed, refused);
              std::fflush(stdout);
              return passed > 0 && refused > 0 ? 0 : 200;
            }),
            0)
      << result_.output;
  EXPECT_EQ(evil_.connections(), 0);
  EXPECT_GT(good_.connections(), 0);
  EXPECT_TRUE(result_.Denied("connect", "127.0.0.1:" + std::to_string(evil_.port())));
}

TEST_F(GuardedAttack, SwapsTheDestinationOfDatagramsInVain) {
  const Witness witness;
  enum class By { kSendTo, kSendMsg, kSendMmsg };
  for (const By by : {By::kSendTo, By::kSendMsg, By::kSendMmsg}) {
    const auto send = [&](int fd, sockaddr_in& address) -> long {
      char byte = 'x';
      iovec data{&byte, 1};
      mmsghdr message{};
      message.msg_hdr.msg_name = &address;
      message.msg_hdr.msg_namelen = sizeof address;
      message.msg_hdr.msg_iov = &data;
      message.msg_hdr.msg_iovlen = 1;
      switch (by) {
        case By::kSendTo:
          return ::sendto(fd, &byte, 1, MSG_DONTWAIT, Any(address), sizeof address);
        case By::kSendMsg:
          return ::sendmsg(fd, &message.msg_hdr, MSG_DONTWAIT);
        case By::kSendMmsg:
          return ::sendmmsg(fd, &message, 1, MSG_DONTWAIT);
      }
      return -1;
    };
    EXPECT_EQ(Run([&] {
                sockaddr_in address = InetAddress("127.0.0.1", 53);
                const Flipper flipper(address, 53, witness.port());
                const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
                for (const TimePoint end = Clock::now() + kFlipTime; Clock::now() < end;) send(fd, address);
                return 0;
              }),
              0);
    EXPECT_FALSE(witness.HeardSomething());
    EXPECT_TRUE(result_.Denied("send", ""));
    EXPECT_EQ(RunBare([&] {
                sockaddr_in address = InetAddress("127.0.0.1", witness.port());
                return send(::socket(AF_INET, SOCK_DGRAM, 0), address) > 0 ? 0 : errno;
              }),
              0);
    EXPECT_TRUE(witness.HeardSomething());
  }
}

TEST_F(GuardedAttack, SwapsTheSocketUnderBindAndListenInVain) {
  // bind(2) of a Unix socket goes on in the kernel: put a TCP socket and its address in the place meanwhile.
  const TempDir dir = std::move(TempDir::Create("/tmp", "guard-bind-")).value();
  EXPECT_EQ(Run([&] {
              struct {
                sockaddr_in inet;
                char rest[112];
              } address{};
              const int slot = 100;
              std::atomic<bool> stop = false;
              std::atomic<int> tcp = ::socket(AF_INET, SOCK_STREAM, 0);
              const int path = ::socket(AF_UNIX, SOCK_STREAM, 0);
              std::thread flipper([&] {
                for (std::uint16_t i = 0; !stop; ++i) {
                  sockaddr_un unix_address{};
                  unix_address.sun_family = AF_UNIX;
                  std::snprintf(unix_address.sun_path, 100, "%s/%u", dir.path().c_str(), i);
                  std::memcpy(&address, &unix_address, sizeof unix_address);
                  ::dup2(path, slot);
                  address.inet = InetAddress("0.0.0.0", static_cast<std::uint16_t>(20000 + i % 10000));
                  ::dup2(tcp, slot);
                }
              });
              int open = 0;
              for (const TimePoint end = Clock::now() + kFlipTime; Clock::now() < end;) {
                ::bind(slot, reinterpret_cast<sockaddr*>(&address), sizeof address);
                if (::listen(slot, 1) == 0) {
                  sockaddr_in local{};
                  socklen_t size = sizeof local;
                  ::getsockname(tcp, Any(local), &size);
                  if (local.sin_addr.s_addr == 0 && local.sin_port != 0) ++open;
                }
                ::close(tcp.exchange(::socket(AF_INET, SOCK_STREAM, 0)));
              }
              stop = true;
              flipper.join();
              return open == 0 ? 0 : 201;
            }),
            0);
}

TEST_F(GuardedAttack, SendsNothingWithTheOpening) {
  const auto act = [&] {
    sockaddr_in address = InetAddress("127.0.0.1", evil_.port());
    return Errno(::sendto(::socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN, Any(address), sizeof address));
  };
  EXPECT_EQ(RunBare(act), 0);
  const int before = evil_.connections();
  EXPECT_EQ(Run(act), EOPNOTSUPP);
  EXPECT_EQ(evil_.connections(), before);
}

TEST_F(GuardedAttack, DissolvesAnAcceptedConnectionInVain) {
  EXPECT_EQ(Run([&] {
              const int server = ::socket(AF_INET, SOCK_STREAM, 0);
              if (::listen(server, 8) != 0) return errno;
              sockaddr_in local{};
              socklen_t size = sizeof local;
              ::getsockname(server, Any(local), &size);
              if (const int err = ConnectTo("127.0.0.1", ntohs(local.sin_port))) return err;
              const int accepted = ::accept(server, nullptr, nullptr);
              sockaddr_in none = InetAddress("0.0.0.0", 0);
              none.sin_family = AF_UNSPEC;
              if (Errno(::connect(accepted, Any(none), sizeof none)) != EACCES) return 201;
              sockaddr_in evil = InetAddress("127.0.0.1", evil_.port());
              return Errno(::connect(accepted, Any(evil), sizeof evil));
            }),
            EACCES);
  EXPECT_EQ(evil_.connections(), 0);
}

TEST_F(GuardedAttack, FloodsTheGuardWithTenThousandConnections) {
  EXPECT_EQ(Run([&] {
              for (int i = 0; i < 10'000; ++i) {
                const bool allowed = i % 10 == 0;
                const int err = ConnectTo("127.0.0.1", allowed ? good_.port() : evil_.port());
                if (err != (allowed ? 0 : EACCES)) return err == 0 ? 200 : err;
              }
              return 0;
            }),
            0);
  EXPECT_EQ(good_.connections(), 1000);
  EXPECT_EQ(evil_.connections(), 0);
  EXPECT_EQ(result_.report.denials.size(), 1u);
}

TEST_F(GuardedAttack, HoardsSocketsUntilThereAreNoMore) {
  EXPECT_EQ(Run([&] {
              const rlimit many{8192, 8192};
              ::setrlimit(RLIMIT_NOFILE, &many);
              int made = 0;
              int first = -1;
              while (made < 4096) {
                const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
                if (fd < 0) break;
                if (first < 0) first = fd;
                ++made;
              }
              if (errno != EMFILE || made > 1024 || made < 64) return 200;
              for (int fd = first; fd < first + made; ++fd) ::close(fd);
              // The guard does not look for closed sockets all the time.
              int err = EMFILE;
              while (err == EMFILE) err = ConnectTo("127.0.0.1", good_.port());
              return err;
            }),
            0);
}

TEST_F(GuardedAttack, DiesWhileItWaitsForAServer) {
  // A server whose backlog is full answers nobody.
  const UniqueFd full(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at = InetAddress("127.0.0.1", 0);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(full.get(), Any(at), sizeof at), 0);
  ASSERT_EQ(::listen(full.get(), 0), 0);
  ::getsockname(full.get(), Any(at), &size);
  std::vector<UniqueFd> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(fillers.back().get(), Any(at), sizeof at);
  }
  const std::uint16_t port = ntohs(at.sin_port);
  setup_.rules.push_back("127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(Run([&] {
              for (int i = 0; i < 300; ++i) {
                const pid_t child = ::fork();
                if (child == 0) ::_exit(ConnectTo("127.0.0.1", port));
                const timespec pause{0, 500'000};
                if (i % 2 == 0) ::nanosleep(&pause, nullptr);
                ::kill(child, SIGKILL);
                ::waitpid(child, nullptr, 0);
              }
              return ConnectTo("127.0.0.1", good_.port());
            }),
            0);
  // A timeout of the command's own ends the wait.
  EXPECT_EQ(Run([&] {
              const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
              const timeval timeout{0, 100'000};
              ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
              sockaddr_in to = InetAddress("127.0.0.1", port);
              return Errno(::connect(fd, Any(to), sizeof to));
            }),
            EINPROGRESS);
}

TEST_F(GuardedAttack, ConnectsFromAVforkedChild) {
  EXPECT_EQ(Run([&] {
              static volatile int outcome = 0;
              const pid_t child = ::vfork();
              if (child == 0) {
                outcome = ConnectTo("127.0.0.1", good_.port()) + 1000 * ConnectTo("127.0.0.1", evil_.port());
                ::_exit(0);
              }
              ::waitpid(child, nullptr, 0);
              return outcome == 1000 * EACCES ? 0 : 200;
            }),
            0);
}

TEST_F(GuardedAttack, ConnectsFromTwoHundredThreadsAtOnce) {
  EXPECT_EQ(Run([&] {
              std::atomic<int> wrong = 0;
              std::vector<std::thread> threads;
              for (int i = 0; i < 200; ++i) {
                threads.emplace_back([&] {
                  for (int n = 0; n < 5; ++n) {
                    if (ConnectTo(LookUp("good.test"), good_.port()) != 0) ++wrong;
                    if (ConnectTo("127.0.0.1", evil_.port()) != EACCES) ++wrong;
                  }
                });
              }
              for (std::thread& thread : threads) thread.join();
              return wrong > 0 ? 200 : 0;
            }),
            0);
  EXPECT_EQ(good_.connections(), 1000);
  EXPECT_EQ(evil_.connections(), 0);
}

TEST_F(GuardedAttack, StormsItselfWithSignals) {
  EXPECT_EQ(Run([&] {
              struct sigaction action{};
              action.sa_handler = [](int) {};
              ::sigaction(SIGALRM, &action, nullptr);
              const itimerval often{{0, 200}, {0, 200}};
              ::setitimer(ITIMER_REAL, &often, nullptr);
              int passed = 0;
              for (int i = 0; i < 2000; ++i) {
                int fd = -1;
                while ((fd = ::socket(AF_INET, SOCK_STREAM, 0)) < 0 && errno == EINTR) continue;
                sockaddr_in to = InetAddress("127.0.0.1", good_.port());
                const int err = Errno(::connect(fd, Any(to), sizeof to));
                ::close(fd);
                if (err == 0) ++passed;
                if (err != 0 && err != EINTR) return err;
              }
              return passed > 0 ? 0 : 200;
            }),
            0);
}

TEST_F(GuardedAttack, IsNotedForForbiddenSystemCallsAndPrograms) {
  setup_.may_execute = [](const std::string& path) { return path != "/usr/bin/env"; };
  EXPECT_EQ(
      Run([] {
        if (Errno(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)) != EPERM) return 200;
        const int one = 1;
        if (Errno(::setsockopt(::socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET, SO_MARK, &one, sizeof one)) != EPERM) {
          return 201;
        }
        ::execl("/usr/bin/env", "env", "true", nullptr);
        return 202;
      }),
      0);
  EXPECT_TRUE(result_.Denied("syscall", "ptrace ("));
  EXPECT_TRUE(result_.Denied("syscall", "setsockopt ("));
  EXPECT_TRUE(result_.Denied("exec", "/usr/bin/env"));
  EXPECT_FALSE(result_.Denied("exec", "/usr/bin/true"));
}

TEST_F(GuardedAttack, CannotHideBehindUndumpableMemory) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads every memory";
  const TempDir dir = std::move(TempDir::Create("/tmp", "guard-exec-")).value();
  const std::string program = dir.path() + "/connect";
  // A program that may be executed but not read makes its process undumpable (proc(5)).
  ASSERT_EQ(RunBare([&] {
              const std::string copy = "cp /usr/bin/curl '" + program + "' && chmod 0111 '" + program + "'";
              ::execl("/bin/sh", "sh", "-c", copy.c_str(), nullptr);
              return 127;
            }),
            0);
  const auto result = RunGuarded(setup_, {program, "-sS", "http://127.0.0.1:" + std::to_string(good_.port())});
  EXPECT_NE(result.status, 0);
  EXPECT_TRUE(result.Denied("socket", "(memory of the process cannot be read)"));
}

TEST_F(GuardedAttack, FindsNoSecondGuard) {
  EXPECT_EQ(Run([] { return WhyNoGuard().find("EBUSY") != std::string::npos ? 0 : 200; }), 0);
}

TEST_F(GuardedAttack, IsOnlyWatchedWhenThePolicySaysSo) {
  setup_.rules = {};
  setup_.hosts = {{"evil.test", *ParseIp("127.0.0.1")}};
  setup_.watch_only = true;
  EXPECT_EQ(Run([&] {
              if (ConnectTo(LookUp("evil.test"), evil_.port()) != 0) return 200;
              ::execl("/usr/bin/env", "env", "true", nullptr);
              return 201;
            }),
            0);
  EXPECT_EQ(evil_.connections(), 1);
  EXPECT_TRUE(result_.report.denials.empty());
  ASSERT_EQ(result_.report.programs.size(), 2u);
  EXPECT_EQ(result_.report.programs[0], "/usr/bin/env");
  bool noted = false;
  for (const Egress& egress : result_.report.egress) {
    noted = noted || (egress.target == "evil.test" && egress.port == evil_.port() && egress.refused == 1);
  }
  EXPECT_TRUE(noted);
}

TEST_F(GuardedAttack, LeavesNoDescriptorBehindAfterAThousandCommands) {
  Run([] { return 0; });
  const std::size_t before = OpenDescriptors();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(Run([&] {
                ::socket(AF_INET, SOCK_DGRAM, 0);
                return i % 10 != 0 ? 0 : ConnectTo(LookUp("good.test"), good_.port());
              }),
              0);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace rune::sandbox
