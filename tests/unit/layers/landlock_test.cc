#include "sandbox/layers/landlock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdio>

#include "sandbox/base/files.h"
#include "sandbox/layers/identity.h"
#include "tests/unit/layers/in_child.h"

namespace rune::sandbox {
namespace {

class Landlock : public testing::Test {
 protected:
  void SetUp() override {
    if (LandlockAbi() == 0) GTEST_SKIP() << "this kernel offers no Landlock";
    for (const char* name : {"in/sub", "out"}) ASSERT_TRUE(MakeDirs(At(name)).ok());
    for (const char* name : {"in/file", "in/secret", "in/sub/file", "out/file"}) {
      ASSERT_TRUE(WriteFileAtomic(At(name), "x").ok());
    }
  }

  std::string At(const std::string& name) const { return dir_.path() + "/" + name; }

  /// The errno of `act` in a child under `files`.
  int Under(const FileAccess& files, const std::function<int()>& act, Network network = Network::kClosed) const {
    const auto ruleset = BuildLandlock({.files = files, .network = network});
    if (!ruleset.ok()) return -1;
    return InChild([&] {
      if (NoNewPrivs() != 0 || InstallLandlock(ruleset->fd.get()) != 0) return 250;
      return act();
    });
  }

  /// Expects `act` to fail with `err` under `files` and to work without the layer.
  void ExpectDenied(const FileAccess& files, const std::function<int()>& act, int err = EACCES) const {
    EXPECT_EQ(Under(files, act), err);
    EXPECT_EQ(InChild(act), 0) << "must work without the layer";
  }

  std::function<int()> Open(const std::string& name, int flags) const {
    return [path = name[0] == '/' ? name : At(name), flags] {
      return ErrnoOf(::open(path.c_str(), flags | O_CLOEXEC, 0600));
    };
  }

  TempDir dir_ = std::move(TempDir::Create("/tmp", "landlock-test-")).value();
};

TEST_F(Landlock, ClosesEverythingThatNoEntryNames) {
  ExpectDenied({.read = {At("in")}}, Open("out/file", O_RDONLY));
  ExpectDenied({.read = {At("in")}}, Open("out", O_RDONLY | O_DIRECTORY));
  ExpectDenied({}, Open("in/file", O_RDONLY));
  EXPECT_EQ(Under({.read = {At("in")}}, Open("in/sub/file", O_RDONLY)), 0);
}

TEST_F(Landlock, LetsAReadableTreeNotBeWritten) {
  const FileAccess files{.read = {At("in")}};
  ExpectDenied(files, Open("in/file", O_WRONLY));
  ExpectDenied(files, Open("in/new", O_WRONLY | O_CREAT));
  ExpectDenied(files, [this] { return ErrnoOf(::mkdir(At("in/dir").c_str(), 0700)); });
  ExpectDenied(files, [this] { return ErrnoOf(::rename(At("in/sub").c_str(), At("in/sub2").c_str())); });
}

TEST_F(Landlock, LetsAWritableTreeBeChangedInEveryWayButExecution) {
  const FileAccess files{.write = {At("in")}};
  EXPECT_EQ(Under(files, Open("in/new", O_RDWR | O_CREAT)), 0);
  EXPECT_EQ(Under(files,
                  [this] {
                    if (::mkdir(At("in/dir").c_str(), 0700) != 0) return errno;
                    if (::link(At("in/file").c_str(), At("in/hard").c_str()) != 0) return errno;
                    if (::symlink("file", At("in/soft").c_str()) != 0) return errno;
                    if (::mkfifo(At("in/fifo").c_str(), 0600) != 0) return errno;
                    return ErrnoOf(::unlink(At("in/hard").c_str()));
                  }),
            0);
  ASSERT_EQ(::chmod(At("in/file").c_str(), 0755), 0);
  ExpectDenied(files, [this] {
    char* const argv[] = {nullptr};
    ::execv(At("in/file").c_str(), argv);
    return errno == ENOEXEC ? 0 : errno;  // "x" is no program: as far as the kernel got, it may be executed
  });
}

TEST_F(Landlock, LetsFilesMoveBetweenDirectoriesOfOneTree) {
  if (LandlockAbi() < 2) GTEST_SKIP() << "Landlock ABI 1 refuses every move to another directory";
  EXPECT_EQ(Under({.write = {At("in")}},
                  [this] { return ErrnoOf(::rename(At("in/file").c_str(), At("in/sub/moved").c_str())); }),
            0);
}

TEST_F(Landlock, RefusesToMoveOrLinkAFileIn) {
  const FileAccess files{.read = {At("in")}, .write = {At("in/sub")}};
  ExpectDenied(files, [this] { return ErrnoOf(::link(At("out/file").c_str(), At("in/sub/l").c_str())); }, EXDEV);
  ExpectDenied(files, [this] { return ErrnoOf(::rename(At("out/file").c_str(), At("in/sub/m").c_str())); }, EACCES);
}

TEST_F(Landlock, DeniesOneFileInsideAGrantedTree) {
  const FileAccess files{.read = {At("in")}, .denied = {At("in/secret")}};
  ExpectDenied(files, Open("in/secret", O_RDONLY));
  EXPECT_EQ(Under(files, Open("in/file", O_RDONLY)), 0);
  EXPECT_EQ(Under(files, Open("in", O_RDONLY | O_DIRECTORY)), 0);
  // Not by a link and not by way of /proc either.
  ASSERT_EQ(::symlink(At("in/secret").c_str(), At("in/soft").c_str()), 0);
  ExpectDenied(files, Open("in/soft", O_RDONLY));
  ExpectDenied({.read = {At("in"), "/proc"}, .denied = {At("in/secret")}},
               Open("/proc/self/root" + At("in/secret"), O_RDONLY));
}

TEST_F(Landlock, StopsTruncationOfAFileThatMayOnlyBeRead) {
  if (LandlockAbi() < 3) GTEST_SKIP() << "truncate(2) is not covered before ABI 3";
  ExpectDenied({.read = {At("in")}}, [this] { return ErrnoOf(::truncate(At("in/file").c_str(), 0)); });
}

TEST_F(Landlock, ExecutesWhatIsListedAndNothingElse) {
  const std::string listed = At("in/true");
  const auto run = [](const std::string& path) {
    return [path] {
      char* const argv[] = {const_cast<char*>(path.c_str()), nullptr};
      ::execv(path.c_str(), argv);
      return errno;
    };
  };
  const FileAccess base{.read = {"/usr", "/lib", "/lib64", "/etc"}};
  FileAccess with = base;
  with.execute = {"/bin/true", "/usr/lib"};
  if (Exists("/lib64")) with.execute.push_back("/lib64");
  EXPECT_EQ(InChild(run("/bin/true")), 0);
  EXPECT_EQ(Under(with, run("/bin/true")), 0);
  EXPECT_EQ(Under(with, run("/bin/false")), EACCES);
  EXPECT_EQ(Under(base, run("/bin/true")), EACCES);
}

TEST_F(Landlock, ClosesTcpWhenTheNetworkIsClosed) {
  if (LandlockAbi() < 4) GTEST_SKIP() << "TCP is not covered before ABI 4";
  const auto bind_port = [] {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ErrnoOf(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
  };
  EXPECT_EQ(InChild(bind_port), 0);
  EXPECT_EQ(Under({}, bind_port), EACCES);
  EXPECT_EQ(Under({}, bind_port, Network::kOpen), 0);
}

TEST_F(Landlock, ScopesSignalsAndAbstractSockets) {
  if (LandlockAbi() < 6) GTEST_SKIP() << "nothing is scoped before ABI 6";
  ExpectDenied({}, [] { return ErrnoOf(::kill(::getppid(), 0)); }, EPERM);

  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const int length = std::snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "rune-test-%d", ::getpid());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + static_cast<std::size_t>(length));
  const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(server.get(), 4), 0);
  ExpectDenied(
      {},
      [&] {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        return ErrnoOf(::connect(fd, reinterpret_cast<const sockaddr*>(&address), size));
      },
      EPERM);
}

TEST_F(Landlock, HidesOtherProcessesInProc) {
  // Both without capabilities, as commands are: CAP_PERFMON alone would show environments.
  Pipe ready = std::move(MakePipe()).value();
  const pid_t other = ::fork();
  if (other == 0) {
    if (ApplyIdentity({}) != 0 || ::write(ready.write.get(), "x", 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char byte;
  ASSERT_EQ(::read(ready.read.get(), &byte, 1), 1);
  const std::string environment = "/proc/" + std::to_string(other) + "/environ";
  ExpectDenied({.read = {"/proc"}}, [&] { return ApplyIdentity({}) + Open(environment, O_RDONLY)(); });
  EXPECT_EQ(Under({.read = {"/proc"}}, Open("/proc/self/environ", O_RDONLY)), 0);
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
}

TEST_F(Landlock, SkipsMissingPathsAndSaysWhatTheAbiLacks) {
  const auto ruleset = BuildLandlock({.files = {.read = {At("in"), At("none")}, .write = {At("in/file/below")}}});
  ASSERT_TRUE(ruleset.ok());
  EXPECT_EQ(ruleset->abi, LandlockAbi());
  EXPECT_EQ(ruleset->lacks.empty(), LandlockAbi() >= 2);
}

TEST_F(Landlock, CanBeInstalledInAnyNumberOfChildren) {
  const auto ruleset = BuildLandlock({.files = {.read = {At("in")}}});
  ASSERT_TRUE(ruleset.ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(InChild([&] { return NoNewPrivs() + InstallLandlock(ruleset->fd.get()) + Open("out/file", O_RDONLY)(); }),
              EACCES);
  }
}

}  // namespace
}  // namespace rune::sandbox
