/// What a guarded command is told of network interfaces.
#include <gtest/gtest.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "tests/unit/guard/guarded_run.h"

namespace rune::sandbox {
namespace {

class GuardedInterfaces : public testing::Test {
 protected:
  void SetUp() override {
    if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
  }
  /// 0, or what went wrong, on each kind of socket.
  static void ExpectOnEverySocket(const std::function<int(int socket)>& act, int expected) {
    for (const int domain : {AF_INET, AF_INET6, AF_UNIX}) {
      for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        if (domain == AF_UNIX && type == SOCK_DGRAM) continue;
        EXPECT_EQ(RunGuarded(GuardedSetup{}, [&] { return act(::socket(domain, type, 0)); }).status, expected)
            << domain << " " << type;
      }
    }
  }
  static ifreq Named(const char* name) {
    ifreq request{};
    std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    return request;
  }
  static std::uint32_t AddressIn(const sockaddr& address) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    return ntohl(in.sin_addr.s_addr);
  }
};

TEST_F(GuardedInterfaces, AreLoopbackAlone) {
  ExpectOnEverySocket(
      [](int socket) {
        std::array<ifreq, 64> found{};
        ifconf list{};
        if (::ioctl(socket, SIOCGIFCONF, &list) != 0) return errno;
        if (list.ifc_len != sizeof(ifreq)) return 201;
        list.ifc_len = sizeof found;
        list.ifc_req = found.data();
        if (::ioctl(socket, SIOCGIFCONF, &list) != 0) return errno;
        if (list.ifc_len != sizeof(ifreq) || std::strcmp(found[0].ifr_name, "lo") != 0) return 202;
        return AddressIn(found[0].ifr_addr) == INADDR_LOOPBACK ? 0 : 203;
      },
      0);
}

TEST_F(GuardedInterfaces, TellOfLoopbackWhatTheKernelTells) {
  const UniqueFd other(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(other.valid());
  for (const int question : {SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFINDEX,
                             SIOCGIFMETRIC, SIOCGIFBRDADDR, SIOCGIFTXQLEN}) {
    const auto request = static_cast<unsigned long>(question);
    ifreq true_one = Named("lo");
    ASSERT_EQ(::ioctl(other.get(), request, &true_one), 0);
    ExpectOnEverySocket(
        [&](int socket) {
          ifreq told = Named("lo");
          if (::ioctl(socket, request, &told) != 0) return errno;
          return std::memcmp(&told, &true_one, IFNAMSIZ + 8) == 0 ? 0 : 200;
        },
        0);
  }
}

TEST_F(GuardedInterfaces, HaveNoOtherNameAndCannotBeChanged) {
  const auto ask = [](unsigned long request, const char* name) {
    return [=](int socket) {
      ifreq asked = Named(name);
      return Errno(::ioctl(socket, request, &asked));
    };
  };
  ExpectOnEverySocket(ask(SIOCGIFADDR, "eth0"), ENODEV);
  ExpectOnEverySocket(ask(SIOCGIFHWADDR, "eth0"), ENODEV);
  ExpectOnEverySocket(ask(SIOCSIFFLAGS, "lo"), EPERM);
  ExpectOnEverySocket([](int socket) { return Errno(::ioctl(socket, SIOCGIFADDR, nullptr)); }, EFAULT);
  ExpectOnEverySocket(
      [](int) {
        ifreq asked = Named("lo");
        return Errno(::ioctl(0, SIOCGIFADDR, &asked));
      },
      ENOTTY);
  ExpectOnEverySocket(
      [](int socket) {
        ifreq asked{};
        asked.ifr_ifindex = 1;
        if (::ioctl(socket, SIOCGIFNAME, &asked) != 0) return errno;
        return std::strcmp(asked.ifr_name, "lo") == 0 ? 0 : 200;
      },
      0);
}

}  // namespace
}  // namespace rune::sandbox
