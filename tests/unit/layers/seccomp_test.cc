#include "sandbox/layers/seccomp.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cstring>
#include <thread>

#include "sandbox/base/files.h"
#include "tests/unit/layers/in_child.h"

namespace rune::sandbox {
namespace {

class Seccomp : public testing::Test {
 protected:
  void SetUp() override {
    if (!SeccompAvailable()) GTEST_SKIP() << "this kernel offers no seccomp filter";
  }

  static int Under(const SeccompPolicy& policy, const std::function<int()>& act) {
    const auto program = CompileSeccomp(policy);
    if (!program.ok()) return -1;
    return InChild([&] {
      if (NoNewPrivs() != 0 || InstallSeccomp(*program) != 0) return 250;
      return act();
    });
  }

  /// Expects `act` to fail with `err` under the filter and to work without it.
  static void ExpectDenied(const std::function<int()>& act, int err, const SeccompPolicy& policy = {}) {
    EXPECT_EQ(Under(policy, act), err);
    EXPECT_EQ(InChild(act), 0) << "must work without the filter";
  }
};

TEST_F(Seccomp, StopsTracing) {
  ExpectDenied([] { return ErrnoOf(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }, EPERM);
}

TEST_F(Seccomp, StopsNewNamespacesByEveryWay) {
  const auto unshare = [] { return ErrnoOf(::unshare(CLONE_NEWUSER)); };
  if (InChild(unshare) != 0) GTEST_SKIP() << "user namespaces cannot be had here at all";
  ExpectDenied(unshare, EPERM);
  const auto by_clone = [](unsigned long flags) {
    return [flags] {
      const long child = ::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr);
      if (child == 0) ::_exit(0);
      return ErrnoOf(child);
    };
  };
  ExpectDenied(by_clone(CLONE_NEWUSER | SIGCHLD), EPERM);
  EXPECT_EQ(Under({}, by_clone(SIGCHLD)), 0);
  EXPECT_EQ(Under({}, by_clone(0xdeadbeef00000000 | CLONE_NEWUSER | SIGCHLD)), EPERM);
  EXPECT_EQ(Under({}, [] { return ErrnoOf(::syscall(SYS_clone3, nullptr, 0)); }), ENOSYS);
}

TEST_F(Seccomp, StopsMounts) {
  const auto mount = [] { return ErrnoOf(::mount("none", "/no/such/dir", "tmpfs", 0, nullptr)); };
  EXPECT_NE(InChild(mount), 0);
  EXPECT_EQ(Under({}, mount), EPERM);
}

TEST_F(Seccomp, StopsSystemVMemory) {
  const auto take = [] {
    const int id = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    if (id < 0) return errno;
    return ErrnoOf(::shmctl(id, IPC_RMID, nullptr));
  };
  ExpectDenied(take, ENOSYS);  // PostgreSQL tries other keys for ever after EACCES
  EXPECT_EQ(Under({.own_ipc = true}, take), 0);
}

TEST_F(Seccomp, StopsFilesWithoutAPathThatCouldBeExecuted) {
  ExpectDenied([] { return ErrnoOf(::syscall(SYS_memfd_create, "x", 0)); }, ENOSYS);
}

TEST_F(Seccomp, StopsPersonalitiesThatWeakenAProcess) {
  ExpectDenied([] { return ErrnoOf(::personality(ADDR_NO_RANDOMIZE)); }, EPERM);
  EXPECT_EQ(Under({}, [] { return ErrnoOf(::personality(0xffffffff)); }), 0);
}

TEST_F(Seccomp, PretendsThatAProcessBecameUndumpable) {
  EXPECT_EQ(Under({},
                  [] {
                    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return 1;
                    return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1 ? 0 : 2;
                  }),
            0);
}

TEST_F(Seccomp, StopsChangingTheLimitsOfAnotherProcess) {
  const pid_t test = ::getpid();
  ExpectDenied(
      [test] {
        rlimit limit{};
        return ErrnoOf(::prlimit(test, RLIMIT_CORE, nullptr, &limit));
      },
      EPERM);
}

TEST_F(Seccomp, MakesNoInternetSocketWhenTheNetworkIsClosed) {
  for (const int family : {AF_INET, AF_INET6}) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      const auto make = [family, type] { return ErrnoOf(::socket(family, type, 0)); };
      if (InChild(make) != 0) continue;  // a machine without IPv6
      ExpectDenied(make, EACCES);
      EXPECT_EQ(Under({.network = Network::kOpen}, make), 0);
    }
  }
}

TEST_F(Seccomp, ReachesNoSocketByItsPath) {
  const TempDir dir = std::move(TempDir::Create("/tmp", "seccomp-test-")).value();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (dir.path() + "/s").c_str(), sizeof address.sun_path - 1);
  const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(server.get(), 4), 0);
  const auto connect = [&] {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) return errno;
    return ErrnoOf(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  };
  ExpectDenied(connect, EACCES);
  ExpectDenied(connect, EACCES, {.network = Network::kOpen});
}

TEST_F(Seccomp, LeavesPairsOfSocketsAndThreadsAlone) {
  EXPECT_EQ(Under({},
                  [] {
                    int pair[2];
                    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return errno;
                    if (::send(pair[0], "x", 1, MSG_NOSIGNAL) != 1) return errno;
                    int ran = 0;
                    for (int i = 0; i < 20; ++i) std::thread([&] { ++ran; }).join();
                    return ran == 20 ? InChild([] { return 0; }) : 200;
                  }),
            0);
}

TEST_F(Seccomp, AllowsOneListenerNeitherOfTheCommand) {
  const sock_filter allow{BPF_RET | BPF_K, 0, 0, 0x7fff0000};
  const auto listen = [&] {
    const sock_fprog program{1, const_cast<sock_filter*>(&allow)};
    if (NoNewPrivs() != 0) return 250;
    return ErrnoOf(::syscall(SYS_seccomp, 1, 8, &program));
  };
  ExpectDenied(listen, EBUSY);
}

TEST_F(Seccomp, ClosesDeniedNames) {
  const auto get = [] { return ErrnoOf(::syscall(SYS_getrandom, nullptr, 0, 0)); };
  ExpectDenied(get, EPERM, {.denied_syscalls = {"getrandom"}});
  EXPECT_EQ(Under({}, get), 0);
}

#if defined(__x86_64__)
TEST_F(Seccomp, KillsThirtyTwoBitCode) {
  const auto getpid32 = [] {
    long result = 20;  // getpid of i386
    asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return result > 0 ? 0 : 1;
  };
  if (InChild(getpid32) != 0) GTEST_SKIP() << "this kernel runs no 32-bit code";
  EXPECT_EQ(Under({}, getpid32), 1000 + SIGSYS);
}
#endif

TEST_F(Seccomp, CannotBeUndoneByAFilterOfTheCommand) {
  const sock_filter allow{BPF_RET | BPF_K, 0, 0, 0x7fff0000};
  EXPECT_EQ(Under({},
                  [&] {
                    const sock_fprog program{1, const_cast<sock_filter*>(&allow)};
                    if (::syscall(SYS_seccomp, 1, 0, &program) != 0) return 200;
                    return ErrnoOf(::socket(AF_INET, SOCK_STREAM, 0));
                  }),
            EACCES);
}

}  // namespace
}  // namespace rune::sandbox
