/// Hostile commands: they flood the guard, die under it, hide from it, and try what it does not do.
#include <dirent.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "sandbox/base/files.h"
#include "tests/unit/guard/guarded_run.h"

namespace rune::sandbox {
namespace {

std::size_t OpenDescriptors() {
  std::size_t count = 0;
  DIR* dir = ::opendir("/proc/self/fd");
  while (::readdir(dir) != nullptr) ++count;
  ::closedir(dir);
  return count;
}

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

/// Room for few descriptors in this process, which is the guard's.
class FewDescriptors {
 public:
  FewDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit few{128, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_F(GuardedAttack, HoardsSocketsOfAGuardThatHasRoomForFew) {
  const FewDescriptors few;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    EXPECT_EQ(Run([&] {
                const rlimit many{4096, 4096};
                ::setrlimit(RLIMIT_NOFILE, &many);
                int first = -1;
                int last = -1;
                for (int fd = 0; fd >= 0 && last < 1000;) {
                  fd = ::socket(AF_INET, type, 0);
                  if (first < 0) first = fd;
                  if (fd >= 0) last = fd;
                }
                if (errno != EMFILE || last - first < 7) return 200;
                // It goes on deciding, and none of them is forgotten.
                if (const int err = Errno(::chmod("/etc/hosts", 0644)); err != EPERM && err != EACCES) return 201;
                sockaddr_in evil = InetAddress("127.0.0.1", evil_.port());
                sockaddr_in good = InetAddress("127.0.0.1", good_.port());
                if (type == SOCK_STREAM && Errno(::connect(first, Any(evil), sizeof evil)) != EACCES) return 202;
                if (type == SOCK_STREAM && Errno(::connect(last, Any(good), sizeof good)) != 0) return 203;
                for (int fd = first; fd <= last; ++fd) ::close(fd);
                int err = EMFILE;
                while (err == EMFILE) err = ConnectTo("127.0.0.1", good_.port());
                return err;
              }),
              0)
        << type;
  }
  EXPECT_EQ(evil_.connections(), 0);
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

TEST_F(GuardedAttack, WaitsWhenItHasTooManyConnections) {
  EXPECT_EQ(Run([&] {
              // The server answers one after the other: the first, which says nothing, keeps it busy.
              std::vector<int> open;
              for (int i = 0; i < 512; ++i) {
                const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
                sockaddr_in to = InetAddress("127.0.0.1", good_.port());
                if (::connect(fd, Any(to), sizeof to) != 0) return errno;
                open.push_back(fd);
              }
              const int quick = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
              sockaddr_in to = InetAddress("127.0.0.1", good_.port());
              if (Errno(::connect(quick, Any(to), sizeof to)) != EAGAIN) return 200;
              int outcome = 200;
              std::thread patient([&] { outcome = ConnectTo("127.0.0.1", good_.port()); });
              for (const int fd : open) ::close(fd);
              patient.join();
              return outcome;
            }),
            0);
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
  EXPECT_TRUE(result_.Denied(DeniedAct::kSyscall, "ptrace ("));
  EXPECT_TRUE(result_.Denied(DeniedAct::kSyscall, "setsockopt ("));
  EXPECT_TRUE(result_.Denied(DeniedAct::kExec, "/usr/bin/env"));
  EXPECT_FALSE(result_.Denied(DeniedAct::kExec, "/usr/bin/true"));
  EXPECT_EQ(result_.RemedyFor(DeniedAct::kExec, "/usr/bin/env"), (Remedy{Grant::kExecute, {"/usr/bin/env"}}));
  EXPECT_EQ(result_.RemedyFor(DeniedAct::kSyscall, "ptrace ("), Remedy());
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
  EXPECT_TRUE(result.Denied(DeniedAct::kSocket, "(memory of the process cannot be read)"));
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
