#include "sandbox/guard/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/guard/guarded_run.h"

namespace rune::sandbox {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Guard : public testing::Test {
 protected:
  void SetUp() override {
    if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
    setup_.rules = {"good.test:" + std::to_string(good_.port()), "127.0.0.1:" + std::to_string(good_.port())};
    setup_.hosts = {{"good.test", *ParseIp("127.0.0.1")}, {"evil.test", *ParseIp("127.0.0.1")}};
  }

  HelloServer good_;
  HelloServer evil_;
  GuardedSetup setup_;
};

TEST_F(Guard, IsNeededForWhatItRefuses) {
  EXPECT_EQ(RunBare([&] { return ConnectTo("127.0.0.1", evil_.port()); }), 0);
}

TEST_F(Guard, AnswersAnAllowedNameWithAnAddressThatStandsForIt) {
  const auto result = RunGuarded(setup_, [] { return LookUp("good.test") == "198.18.0.2" ? 0 : 1; });
  EXPECT_EQ(result.status, 0) << result.output;
}

TEST_F(Guard, KnowsNoOtherName) {
  const auto result = RunGuarded(setup_, [] { return LookUp("evil.test") == "error -2" ? 0 : 1; });
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_TRUE(result.Denied(DeniedAct::kLookup, "evil.test"));
}

TEST_F(Guard, ConnectsToAnAllowedName) {
  const auto result = RunGuarded(setup_, [&] { return ConnectTo(LookUp("good.test"), good_.port()); });
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(good_.connections(), 1);
  ASSERT_FALSE(result.report.egress.empty());
}

TEST_F(Guard, RefusesAnotherPortOfAnAllowedName) {
  const auto result = RunGuarded(setup_, [&] { return ConnectTo(LookUp("good.test"), evil_.port()); });
  EXPECT_EQ(result.status, EACCES);
  EXPECT_TRUE(result.Denied(DeniedAct::kConnect, "good.test:" + std::to_string(evil_.port())));
  EXPECT_EQ(evil_.connections(), 0);
}

TEST_F(Guard, RefusesAnAddressThatNoRuleNames) {
  for (const std::string address : {"127.0.0.1", "127.0.0.2", "0.0.0.0", "10.0.0.1", "169.254.169.254", "8.8.8.8"}) {
    const auto result = RunGuarded(setup_, [&] { return ConnectTo(address, evil_.port()); });
    EXPECT_EQ(result.status, EACCES) << address;
    EXPECT_EQ(result.report.denials.size(), 1u) << address;
  }
  EXPECT_EQ(evil_.connections(), 0);
}

TEST_F(Guard, NamesTheEntryThatAllowsWhatItRefused) {
  const std::uint16_t port = evil_.port();
  const auto reach_by_name = [&] {
    const std::string address = LookUp("evil.test");
    return address.starts_with("error") ? 200 : ConnectTo(address, port);
  };
  // One entry after the other, as each refusal names it: the name, its port, the address behind it.
  const std::string at_port = ":" + std::to_string(port);
  for (const auto& [act, target, entry] : std::vector<std::tuple<DeniedAct, std::string, std::string>>{
           {DeniedAct::kLookup, "evil.test", "evil.test"},
           {DeniedAct::kConnect, "evil.test" + at_port, "evil.test" + at_port},
           {DeniedAct::kAddress, "evil.test" + at_port, "127.0.0.1" + at_port}}) {
    const auto refused = RunGuarded(setup_, reach_by_name);
    EXPECT_NE(refused.status, 0);
    ASSERT_EQ(refused.RemedyFor(act, target), (Remedy{Grant::kDomain, {entry}}));
    setup_.rules.push_back(entry);
  }
  EXPECT_EQ(evil_.connections(), 0);
  EXPECT_EQ(RunGuarded(setup_, reach_by_name).status, 0);
  EXPECT_EQ(evil_.connections(), 1);
}

TEST_F(Guard, KnowsNoWayToAnAddressThatItNeverGave) {
  const auto result = RunGuarded(setup_, [] { return ConnectTo("198.18.7.7", 443); });
  EXPECT_EQ(result.status, EACCES);
  EXPECT_TRUE(result.Denied(DeniedAct::kConnect, "198.18.7.7:443"));
  EXPECT_EQ(result.RemedyFor(DeniedAct::kConnect, "198.18.7.7:443"), Remedy());
}

TEST_F(Guard, ConnectsToAnAddressThatARuleNames) {
  const auto result = RunGuarded(setup_, [&] { return ConnectTo("127.0.0.1", good_.port()); });
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(good_.connections(), 1);
}

TEST_F(Guard, SaysWhatPeerWasAskedFor) {
  const auto result = RunGuarded(setup_, [&] {
    const sockaddr_in wanted = InetAddress(LookUp("good.test"), good_.port());
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&wanted), sizeof wanted) != 0) return errno;
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return errno;
    return size == sizeof peer && peer.sin_port == wanted.sin_port && peer.sin_addr.s_addr == wanted.sin_addr.s_addr
               ? 0
               : 200;
  });
  EXPECT_EQ(result.status, 0);
}

TEST_F(Guard, CarriesDataBothWaysAndCountsIt) {
  const auto result =
      RunGuarded(setup_, {"curl", "-sS", "-m", "10", "http://good.test:" + std::to_string(good_.port()) + "/"});
  EXPECT_EQ(result.output, "hello");
  ASSERT_EQ(result.report.egress.size(), 2u);
  const Egress& lookup = result.report.egress[0];
  EXPECT_EQ(lookup.target, "good.test");
  EXPECT_EQ(lookup.lookups, 1u);
  const Egress& connection = result.report.egress[1];
  EXPECT_EQ(connection.port, good_.port());
  EXPECT_EQ(connection.connections, 1u);
  EXPECT_GT(connection.sent, 50u);
  EXPECT_GT(connection.received, 50u);
}

}  // namespace
}  // namespace rune::sandbox
