/// Commands that swap memory and descriptors under the guard, between its look and its act.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "sandbox/base/files.h"
#include "tests/unit/guard/guarded_run.h"

namespace rune::sandbox {
namespace {

constexpr auto kFlipTime = std::chrono::seconds(2);

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

class GuardedSwap : public testing::Test {
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

TEST_F(GuardedSwap, OfThePortUnderConnectIsInVain) {
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
  EXPECT_TRUE(result_.Denied(DeniedAct::kConnect, "127.0.0.1:" + std::to_string(evil_.port())));
}

TEST_F(GuardedSwap, OfTheDestinationOfDatagramsIsInVain) {
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
    EXPECT_TRUE(result_.Denied(DeniedAct::kSend, ""));
    EXPECT_EQ(RunBare([&] {
                sockaddr_in address = InetAddress("127.0.0.1", witness.port());
                return send(::socket(AF_INET, SOCK_DGRAM, 0), address) > 0 ? 0 : errno;
              }),
              0);
    EXPECT_TRUE(witness.HeardSomething());
  }
}

TEST_F(GuardedSwap, OfTheSocketUnderBindAndListenIsInVain) {
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

}  // namespace
}  // namespace rune::sandbox
