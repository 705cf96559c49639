/// Commands that try to keep the guard waiting, or to make it believe what is not true any more.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "sandbox/base/files.h"
#include "tests/unit/guard/guarded_run.h"

namespace rune::sandbox {
namespace {

class GuardedWait : public testing::Test {
 protected:
  void SetUp() override {
    if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
    setup_.files.write = {dir_.path()};
  }
  int Run(const std::function<int()>& act) {
    result_ = RunGuarded(setup_, act);
    return result_.status;
  }
  /// Ends the calling process with 201 when it is still there after some seconds: then the guard waits for it.
  static void Despair() {
    std::thread([] {
      const timespec patience{5, 0};
      ::nanosleep(&patience, nullptr);
      ::_exit(201);
    }).detach();
  }

  TempDir dir_ = std::move(TempDir::Create("/tmp", "guard-wait-")).value();
  GuardedSetup setup_;
  GuardedResult result_;
};

TEST_F(GuardedWait, IsNotHeldByASocketThatIsMadeBlockingUnderIt) {
  EXPECT_EQ(Run([&] {
              sockaddr_un at{};
              at.sun_family = AF_UNIX;
              std::strncpy(at.sun_path, (dir_.path() + "/full").c_str(), sizeof at.sun_path - 1);
              const int server = ::socket(AF_UNIX, SOCK_STREAM, 0);
              if (::bind(server, Any(at), sizeof at) != 0 || ::listen(server, 0) != 0) return 200;
              ::connect(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), Any(at), sizeof at);
              Despair();
              static std::atomic<int> fd;
              fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
              for (int i = 0; i < 2; ++i) {
                std::thread([] {
                  for (;;) ::fcntl(fd, F_SETFL, O_RDWR);
                }).detach();
              }
              std::thread([at]() mutable {
                for (;;) ::connect(fd, Any(at), sizeof at);
              }).detach();
              for (int i = 0; i < 500; ++i) ::close(::socket(AF_INET, SOCK_STREAM, 0));
              ::_exit(0);
            }),
            0);
}

/// proc(5), /proc/PID/stat: the state stands behind the name.
bool IsAsleep(pid_t pid) {
  const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  if (!stat.ok()) return false;
  const std::size_t at = stat->rfind(')');
  return at != std::string::npos && at + 2 < stat->size() && ((*stat)[at + 2] == 'S' || (*stat)[at + 2] == 'D');
}

TEST_F(GuardedWait, IsNotHeldByALeaseOnAProgram) {
  const std::string program = dir_.path() + "/program";
  ASSERT_TRUE(WriteFileAtomic(program, "#!/bin/true\n").ok());
  ::chmod(program.c_str(), 0755);
  setup_.may_execute = [](const std::string&) { return true; };
  // Taken out here: no command gets one.
  sigset_t broken;
  sigemptyset(&broken);
  sigaddset(&broken, SIGIO);
  ::sigprocmask(SIG_BLOCK, &broken, nullptr);
  const UniqueFd lease(::open(program.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::fcntl(lease.get(), F_SETLEASE, F_WRLCK), 0);
  EXPECT_EQ(Run([&] {
              ::close(lease.get());  // a copy of the fork's
              Despair();
              const pid_t child = ::fork();
              if (child == 0) {
                ::execl(program.c_str(), "program", nullptr);
                ::_exit(1);
              }
              for (int i = 0; i < 1000; ++i) ::close(::socket(AF_INET, SOCK_STREAM, 0));
              // On a busy machine it may not have got as far as to wait.
              for (int i = 0, waiting = 0; i < 5'000 && waiting < 50; ++i) {
                ::usleep(1'000);
                waiting = IsAsleep(child) ? waiting + 1 : 0;
              }
              ::kill(child, SIGKILL);
              return Errno(::waitpid(child, nullptr, 0));
            }),
            0);
  const timespec at_once{};
  EXPECT_EQ(::sigtimedwait(&broken, nullptr, &at_once), SIGIO) << "somebody asked for the file";
}

TEST_F(GuardedWait, ForgetsAStandInThatWasShutDown) {
  EXPECT_EQ(Run([] {
              const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
              if (::shutdown(fd, SHUT_RDWR) != 0) return errno;
              for (int i = 0; i < 50; ++i) ::close(::socket(AF_INET, SOCK_STREAM, 0));
              return 0;
            }),
            0);
  EXPECT_TRUE(result_.report.denials.empty());
}

TEST_F(GuardedWait, ReachesNobodyOnAPortThatItListensOnNoMore) {
  Pipe ports = std::move(MakePipe()).value();
  Pipe taken = std::move(MakePipe()).value();
  int stranger = -1;
  std::thread machine([&] {
    sockaddr_in at{};
    if (::read(ports.read.get(), &at, sizeof at) != sizeof at) return;
    stranger = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int err = ::bind(stranger, Any(at), sizeof at) != 0 || ::listen(stranger, 8) != 0 ? errno : 0;
    EXPECT_EQ(::write(taken.write.get(), &err, sizeof err), static_cast<ssize_t>(sizeof err));
  });
  EXPECT_EQ(Run([&] {
              const int server = ::socket(AF_INET, SOCK_STREAM, 0);
              if (::listen(server, 8) != 0) return 200;
              sockaddr_in at{};
              socklen_t size = sizeof at;
              ::getsockname(server, Any(at), &size);
              if (const int err = ConnectTo("127.0.0.1", ntohs(at.sin_port))) return err == EACCES ? 202 : err;
              if (::shutdown(server, SHUT_RDWR) != 0) return errno;  // the port is free, the descriptor open
              int err = -1;
              if (::write(ports.write.get(), &at, sizeof at) != sizeof at) return 203;
              if (::read(taken.read.get(), &err, sizeof err) != sizeof err || err != 0) return 204;
              return ConnectTo("127.0.0.1", ntohs(at.sin_port));
            }),
            EACCES);
  ports.write.Reset();
  machine.join();
  ::close(stranger);
}

TEST_F(GuardedWait, TellsTheNeighboursNothingByJoiningGroups) {
  const auto act = [](int family, int level, int option) {
    group_req group{};
    group.gr_interface = ::if_nametoindex("lo");
    auto* v4 = reinterpret_cast<sockaddr_in*>(&group.gr_group);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&group.gr_group);
    if (family == AF_INET) {
      v4->sin_addr.s_addr = htonl(0xEF010203);
    } else {
      ::inet_pton(AF_INET6, "ff15::1234", &v6->sin6_addr);
    }
    group.gr_group.ss_family = static_cast<sa_family_t>(family);
    return Errno(::setsockopt(::socket(family, SOCK_STREAM, 0), level, option, &group, sizeof group));
  };
  const auto v4 = [&] { return act(AF_INET, IPPROTO_IP, MCAST_JOIN_GROUP); };
  const auto v6 = [&] { return act(AF_INET6, IPPROTO_IPV6, MCAST_JOIN_GROUP); };
  EXPECT_EQ(RunBare(v4), 0);
  EXPECT_EQ(Run(v4), EPERM);
  EXPECT_EQ(Run(v6), EPERM);
  EXPECT_EQ(Run([&] { return act(AF_INET, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP); }), EPERM);
}

}  // namespace
}  // namespace rune::sandbox
