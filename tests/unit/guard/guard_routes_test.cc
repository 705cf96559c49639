#include "sandbox/guard/guard_routes.h"

#include <gtest/gtest.h>

namespace rune::sandbox {
namespace {

class GuardRoutesTest : public testing::Test {
 protected:
  GuardRoutesTest()
      : rules_(*DomainAllowlist::Parse({"good.test", "db.test:5432", "10.0.0.0/8:8080", "[fd00::1]:80"})), dns_([this] {
          DnsService::Options options;
          options.rules = &rules_;
          options.ledger = &ledger_;
          options.notes = &notes_;
          return options;
        }()) {
    config_.hosts = {{"db.test", *ParseIp("192.168.1.5")}, {"other.test", *ParseIp("192.168.1.6")}};
    dns_.Answer(WriteDnsQuery(1, "good.test", kDnsA));
  }
  Route To(const std::string& address, std::uint16_t port) const {
    GuardRoutes::Options options;
    options.rules = &rules_;
    options.dns = &dns_;
    options.every_target = every_;
    options.own_listener = [](const IpAddress& ip, std::uint16_t own) {
      return own == 40000 ? std::optional<Endpoint>({ip, own, 0}) : std::nullopt;
    };
    return GuardRoutes(options, config_).To({*ParseIp(address), port, 0});
  }

  DomainAllowlist rules_;
  EgressLedger ledger_;
  DenialNotes notes_;
  DnsService dns_;
  ResolverConfig config_;
  bool every_ = false;
};

TEST_F(GuardRoutesTest, LeadToTheNameBehindAFakeAddress) {
  for (const std::string address : {"198.18.0.2", "::ffff:198.18.0.2"}) {
    const Route route = To(address, 443);
    EXPECT_EQ(route.kind, Route::Kind::kRelay);
    EXPECT_EQ(route.target.name, "good.test");
    EXPECT_EQ(route.target.port, 443);
  }
  const Route other = To("198.18.0.2", 22);
  EXPECT_EQ(other.kind, Route::Kind::kRefused);
  EXPECT_EQ(other.Text(), "good.test:22");
  EXPECT_EQ(To("198.18.0.3", 443).kind, Route::Kind::kRefused);
}

TEST_F(GuardRoutesTest, LeadToListedAddressesAndNoOthers) {
  EXPECT_EQ(To("10.1.2.3", 8080).kind, Route::Kind::kRelay);
  EXPECT_EQ(To("::ffff:10.1.2.3", 8080).kind, Route::Kind::kRelay);
  EXPECT_EQ(To("fd00::1", 80).kind, Route::Kind::kRelay);
  EXPECT_EQ(To("10.1.2.3", 8081).kind, Route::Kind::kRefused);
  for (const std::string address : {"8.8.8.8", "169.254.169.254", "127.0.0.1", "0.0.0.0", "::", "::1", "fd00::2",
                                    "2002:7f00:1::", "64:ff9b::7f00:1", "::7f00:1"}) {
    EXPECT_EQ(To(address, 80).kind, Route::Kind::kRefused) << address;
  }
}

TEST_F(GuardRoutesTest, KnowTheNamesOfTheHostsFile) {
  const Route route = To("192.168.1.5", 5432);
  EXPECT_EQ(route.kind, Route::Kind::kRelay);
  EXPECT_EQ(route.target.name, "db.test");
  const Route other_port = To("192.168.1.5", 443);
  EXPECT_EQ(other_port.kind, Route::Kind::kRefused);
  EXPECT_EQ(other_port.Text(), "192.168.1.5:443");
  EXPECT_EQ(To("192.168.1.6", 443).kind, Route::Kind::kRefused);
}

TEST_F(GuardRoutesTest, LeadToTheCommandsOwnListenersOnLoopbackAlone) {
  for (const std::string address : {"127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(To(address, 40000).kind, Route::Kind::kOwnListener) << address;
    EXPECT_EQ(To(address, 40001).kind, Route::Kind::kRefused) << address;
  }
  EXPECT_EQ(To("192.168.1.9", 40000).kind, Route::Kind::kRefused);
}

TEST_F(GuardRoutesTest, LeadToOurResolverWhateverServerIsMeant) {
  for (const std::string address : {"8.8.8.8", "127.0.0.53", "::1"}) {
    EXPECT_EQ(To(address, 53).kind, Route::Kind::kResolver) << address;
  }
  EXPECT_EQ(To("1.1.1.1", 853).kind, Route::Kind::kRefused);
}

TEST_F(GuardRoutesTest, LeadEverywhereWhenTheyAreOnlyWatched) {
  every_ = true;
  const Route route = To("8.8.8.8", 1234);
  EXPECT_EQ(route.kind, Route::Kind::kRelay);
  EXPECT_FALSE(route.permitted);
  EXPECT_EQ(To("192.168.1.6", 443).target.name, "other.test");
}

}  // namespace
}  // namespace rune::sandbox
