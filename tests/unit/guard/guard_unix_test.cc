/// Which Unix sockets a guarded command reaches.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "sandbox/base/files.h"
#include "tests/unit/guard/guarded_run.h"

namespace rune::sandbox {
namespace {

class GuardedUnixSockets : public testing::Test {
 protected:
  void SetUp() override {
    if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
    setup_.files.write = {in_.path()};
    setup_.files.denied = {in_.path() + "/denied"};
    ::mkdir((in_.path() + "/denied").c_str(), 0700);
  }
  /// Exit status of `act` under the guard; 0 is success.
  int Run(const std::function<int()>& act) {
    result_ = RunGuarded(setup_, act);
    return result_.status;
  }
  static sockaddr_un At(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
  }
  static UniqueFd ServeAt(const std::string& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = At(path);
    if (::bind(fd.get(), Any(address), sizeof address) != 0 || ::listen(fd.get(), 8) != 0) fd.Reset();
    return fd;
  }
  static int ConnectAt(const std::string& path) {
    sockaddr_un address = At(path);
    return Errno(::connect(::socket(AF_UNIX, SOCK_STREAM, 0), Any(address), sizeof address));
  }

  GuardedSetup setup_;
  GuardedResult result_;
  TempDir in_ = std::move(TempDir::Create("/tmp", "guard-in-")).value();
  TempDir out_ = std::move(TempDir::Create("/tmp", "guard-out-")).value();
};

TEST_F(GuardedUnixSockets, ReachServersInTheirOwnTrees) {
  const UniqueFd server = ServeAt(in_.path() + "/s");
  ASSERT_TRUE(server.valid());
  EXPECT_EQ(Run([&] { return ConnectAt(in_.path() + "/s"); }), 0);
  EXPECT_EQ(Run([&] { return ::chdir(in_.path().c_str()) != 0 ? errno : ConnectAt("s"); }), 0);
  EXPECT_EQ(Run([&] { return ConnectAt(in_.path() + "/none"); }), ENOENT);
  EXPECT_TRUE(result_.report.denials.empty());
}

TEST_F(GuardedUnixSockets, ServeInTheirOwnTrees) {
  EXPECT_EQ(Run([&] {
              const UniqueFd server = ServeAt(in_.path() + "/own");
              if (!server.valid()) return 200;
              if (const int err = ConnectAt(in_.path() + "/own")) return err;
              return Errno(::accept(server.get(), nullptr, nullptr));
            }),
            0);
}

TEST_F(GuardedUnixSockets, ReachNoServerElsewhere) {
  const UniqueFd outside = ServeAt(out_.path() + "/s");
  const UniqueFd denied = ServeAt(in_.path() + "/denied/s");
  ASSERT_TRUE(outside.valid() && denied.valid());
  ASSERT_EQ(::symlink((out_.path() + "/s").c_str(), (in_.path() + "/link").c_str()), 0);
  const std::string fd_path = "/proc/self/fd/0";
  EXPECT_EQ(RunBare([&] { return ConnectAt(out_.path() + "/s"); }), 0);
  for (const std::string& path : {out_.path() + "/s", in_.path() + "/denied/s", in_.path() + "/link",
                                  in_.path() + "/../" + out_.path().substr(5) + "/s"}) {
    EXPECT_EQ(Run([&] { return ConnectAt(path); }), EACCES) << path;
    EXPECT_TRUE(result_.Denied(DeniedAct::kConnect, "/tmp/guard-")) << path;
    EXPECT_EQ(result_.RemedyFor(DeniedAct::kConnect, "/tmp/guard-"), Remedy()) << path;
  }
  EXPECT_EQ(Run([&] { return ConnectAt("/proc/self/root" + out_.path() + "/s"); }), EACCES);
}

TEST_F(GuardedUnixSockets, ReachNoAbstractName) {
  const auto abstract = [] {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, "\0guard-test-name", 16);
    return address;
  };
  const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = abstract();
  ASSERT_EQ(::bind(server.get(), Any(address), 18), 0);
  ASSERT_EQ(::listen(server.get(), 8), 0);
  const auto act = [&] {
    sockaddr_un to = abstract();
    return Errno(::connect(::socket(AF_UNIX, SOCK_STREAM, 0), Any(to), 18));
  };
  EXPECT_EQ(RunBare(act), 0);
  EXPECT_EQ(Run(act), EACCES);
}

TEST_F(GuardedUnixSockets, AreMadeForTheCommandWhereNothingElseHoldsItsPorts) {
  setup_.ports_held = false;
  const std::string in = in_.path();
  const auto serve = [](const std::string& path) { return ServeAt(path).valid() ? 0 : errno; };
  EXPECT_EQ(Run([&] { return serve(in + "/a") != 0 ? errno : ConnectAt(in + "/a"); }), ECONNREFUSED) << "it was closed";
  EXPECT_EQ(Run([&] {
              ::umask(077);
              if (::chdir(in.c_str()) != 0) return errno;
              const UniqueFd server = ServeAt("b");
              if (!server.valid()) return 200;
              struct stat info{};
              if (::stat("b", &info) != 0 || (info.st_mode & 0777) != 0700 || info.st_uid != ::geteuid()) return 201;
              return ConnectAt("b");
            }),
            0);
  EXPECT_EQ(Run([&] { return serve(in + "/b"); }), EADDRINUSE);
  EXPECT_EQ(Run([&] { return serve(in + "/none/c"); }), ENOENT);
  EXPECT_EQ(Run([&] { return serve(in + "/denied/c"); }), EACCES);
  EXPECT_EQ(RunBare([&] { return serve(in + "/denied/c"); }), 0);
  EXPECT_EQ(Run([&] { return serve(out_.path() + "/c"); }), EACCES);
  EXPECT_EQ(RunBare([&] { return serve(out_.path() + "/c"); }), 0);
  EXPECT_EQ(Run([&] {
              if (::symlink(out_.path().c_str(), (in + "/link").c_str()) != 0) return 202;
              return serve(in + "/link/d");
            }),
            EACCES);
  EXPECT_EQ(Run([&] { return serve(""); }), EACCES) << "an abstract name";
}

TEST_F(GuardedUnixSockets, ReachNobodyWhoIsNoCommandOfTheRun) {
  // Younger than the run, in a tree of the command's, of the same user: another program of the machine.
  const std::string path = in_.path() + "/stranger";
  Pipe ready = std::move(MakePipe()).value();
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    const UniqueFd server = ServeAt(path);
    [[maybe_unused]] const ssize_t said = ::write(ready.write.get(), "x", server.valid() ? 1 : 0);
    for (;;) ::pause();
  }
  ready.write.Reset();
  char byte = 0;
  EXPECT_EQ(::read(ready.read.get(), &byte, 1), 1);
  EXPECT_EQ(RunBare([&] { return ConnectAt(path); }), 0);
  EXPECT_EQ(Run([&] { return ConnectAt(path); }), EACCES);
  EXPECT_TRUE(result_.Denied(DeniedAct::kConnect, path));
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);
}

}  // namespace
}  // namespace rune::sandbox
