#include "sandbox/network/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>

#include <set>

#include "fake_dns_server.h"
#include "loop_peer.h"

namespace rune::sandbox {
namespace {

using test::FakeDnsServer;
using test::Ips;
using test::OpenDescriptors;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Reply = FakeDnsServer::Reply;
using Answer = Result<std::vector<IpAddress>>;

// resolv.conf(5) and hosts(5).

TEST(ResolverConfigTest, ReadsServersSearchAndOptions) {
  const ResolverConfig config = ReadResolverConfig(
      "# comment\n; another\nnameserver 10.0.0.2\n  nameserver\t2001:db8::53 \r\nsearch corp.example Lab.Example.\n"
      "options ndots:5 timeout:1 attempts:4 rotate use-vc edns0 unknown:7\n",
      "");
  EXPECT_THAT(config.servers,
              ElementsAre(Endpoint{Ips({"10.0.0.2"})[0], 53, 0}, Endpoint{Ips({"2001:db8::53"})[0], 53, 0}));
  EXPECT_THAT(config.search, ElementsAre("corp.example", "lab.example"));
  EXPECT_EQ(config.ndots, 5);
  EXPECT_EQ(config.attempts, 4);
  EXPECT_EQ(config.timeout, std::chrono::seconds(1));
  EXPECT_TRUE(config.rotate);
  EXPECT_TRUE(config.use_tcp);
}

TEST(ResolverConfigTest, AnEmptyFileMeansTheServerOfThisMachine) {
  EXPECT_THAT(ReadResolverConfig("", "").servers, ElementsAre(Endpoint{Ips({"127.0.0.1"})[0], 53, 0}));
}

TEST(ResolverConfigTest, KeepsThreeServersAndSkipsWhatIsNone) {
  const ResolverConfig config = ReadResolverConfig(
      "nameserver\nnameserver one\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver "
      "10.0.0.4\n",
      "");
  EXPECT_THAT(config.servers, SizeIs(3));
  EXPECT_EQ(Format(config.servers[2]), "10.0.0.3:53");
}

TEST(ResolverConfigTest, ReadsTheZoneOfALinkLocalServer) {
  const ResolverConfig config =
      ReadResolverConfig("nameserver fe80::1%lo\nnameserver fe80::2%7\nnameserver fe80::3%no-such-interface\n", "");
  ASSERT_THAT(config.servers, SizeIs(2));
  EXPECT_EQ(config.servers[0].scope, ::if_nametoindex("lo"));
  EXPECT_EQ(config.servers[1].scope, 7u);
}

TEST(ResolverConfigTest, TheLastOfSearchAndDomainCounts) {
  EXPECT_THAT(ReadResolverConfig("search a.test b.test\ndomain c.test d.test\n", "").search, ElementsAre("c.test"));
  EXPECT_THAT(ReadResolverConfig("domain c.test\nsearch a.test b.test\n", "").search, ElementsAre("a.test", "b.test"));
  EXPECT_THAT(ReadResolverConfig("search .\n", "").search, IsEmpty());
}

TEST(ResolverConfigTest, KeepsOptionsWithinTheirLimits) {
  const ResolverConfig config = ReadResolverConfig("options ndots:99 timeout:0 attempts:1000 ndots:x\n", "");
  EXPECT_EQ(config.ndots, 15);
  EXPECT_EQ(config.timeout, std::chrono::seconds(1));
  EXPECT_EQ(config.attempts, 5);
}

TEST(ResolverConfigTest, ReadsHostsWithAliasesAndComments) {
  const ResolverConfig config = ReadResolverConfig(
      "", "10.1.2.3  db.test DB # the database\n# 10.9.9.9 no.test\nfd00::3 db.test\nnonsense x.test\n");
  EXPECT_EQ(config.hosts.count("db.test"), 2u);
  EXPECT_EQ(config.hosts.count("db"), 1u);
  EXPECT_THAT(config.hosts, SizeIs(3));
}

// Asking.

class ResolverTest : public ::testing::Test {
 protected:
  ResolverTest() : descriptors_(OpenDescriptors()) {}

  FakeDnsServer& AddServer(FakeDnsServer::Script script) {
    servers_.push_back(std::make_unique<FakeDnsServer>(loop_, std::move(script)));
    config_.servers.push_back(servers_.back()->endpoint());
    return *servers_.back();
  }
  Resolver& resolver() {
    if (!resolver_) resolver_ = std::make_unique<Resolver>(loop_, config_);
    return *resolver_;
  }
  Answer Ask(const std::string& name) {
    std::optional<Answer> got;
    resolver().Resolve(name, [&got](Answer answer) { got = std::move(answer); });
    EXPECT_FALSE(got) << "called back from inside";
    EXPECT_EQ(loop_.RunUntil([&got] { return got.has_value(); }, Clock::now() + std::chrono::seconds(10)),
              EventLoop::Wake::kDone);
    return got ? *got : Answer(Error{});
  }
  std::string WhyNot(const std::string& name) {
    const Answer answer = Ask(name);
    return answer.ok() ? "found" : answer.error().message;
  }
  void TearDown() override {
    resolver_.reset();
    servers_.clear();
    EXPECT_EQ(OpenDescriptors(), descriptors_);
  }

  std::size_t descriptors_;
  EventLoop loop_;
  ResolverConfig config_;
  std::vector<std::unique_ptr<FakeDnsServer>> servers_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, FindsBothFamiliesIpv4First) {
  const auto& server = AddServer(FakeDnsServer::Zone({{"good.test", {"2001:db8::1", "192.0.2.1", "192.0.2.2"}}}));
  const Answer answer = Ask("good.test");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(*answer, Ips({"192.0.2.1", "192.0.2.2", "2001:db8::1"}));
  EXPECT_THAT(server.seen(), SizeIs(2));
}

TEST_F(ResolverTest, FindsANameThatHasIpv6Only) {
  AddServer(FakeDnsServer::Zone({{"v6.test", {"2001:db8::6"}}}));
  EXPECT_EQ(Ask("v6.test").value(), Ips({"2001:db8::6"}));
}

TEST_F(ResolverTest, AsksNobodyAboutNamesOfTheHostsFile) {
  const auto& server = AddServer(FakeDnsServer::Zone({{"db.test", {"192.0.2.9"}}}));
  config_.hosts = {{"db.test", Ips({"fd00::3"})[0]}, {"db.test", Ips({"10.1.2.3"})[0]}};
  EXPECT_EQ(Ask("db.test").value(), Ips({"10.1.2.3", "fd00::3"}));
  EXPECT_THAT(server.seen(), IsEmpty());
}

TEST_F(ResolverTest, AsksNobodyAboutWhatIsNoHostName) {
  const auto& server = AddServer(FakeDnsServer::Zone({}));
  for (const char* name : {"", "127.1", "a b.test", "UPPER.test", "x..test"}) EXPECT_FALSE(Ask(name).ok()) << name;
  EXPECT_THAT(server.seen(), IsEmpty());
}

TEST_F(ResolverTest, FollowsAliases) {
  AddServer(
      [](const std::string&, std::uint16_t) { return Reply{.addresses = Ips({"192.0.2.7"}), .alias = "cdn.example"}; });
  EXPECT_EQ(Ask("www.test").value(), Ips({"192.0.2.7"}));
}

TEST_F(ResolverTest, UsesANewIdAndANewPortForEachQuestion) {
  const auto& server = AddServer(FakeDnsServer::Zone({}));
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(Ask("n" + std::to_string(i) + ".test").ok());
  std::set<std::uint16_t> ids;
  std::set<std::uint16_t> ports;
  for (const auto& seen : server.seen()) {
    ids.insert(seen.id);
    ports.insert(seen.source_port);
  }
  EXPECT_THAT(server.seen(), SizeIs(40));
  EXPECT_GE(ids.size(), 38u);    // of 65,536
  EXPECT_GE(ports.size(), 30u);  // of 28,000 or so
}

TEST_F(ResolverTest, WaitsForTheTrueAnswerBehindForgedOnes) {
  AddServer([](const std::string&, std::uint16_t) {
    return Reply{.addresses = Ips({"192.0.2.1"}), .alias = {}, .forged_first = true};
  });
  EXPECT_EQ(Ask("good.test").value(), Ips({"192.0.2.1"}));
}

TEST_F(ResolverTest, AsksByTcpWhenTheAnswerWasTooLong) {
  const auto& server = AddServer([](const std::string&, std::uint16_t) {
    return Reply{.addresses = Ips({"192.0.2.1", "2001:db8::1"}), .alias = {}, .truncated = true};
  });
  EXPECT_EQ(Ask("big.test").value(), Ips({"192.0.2.1", "2001:db8::1"}));
  EXPECT_THAT(server.seen(), SizeIs(4));
}

TEST_F(ResolverTest, NeverAsksByUdpWhenToldSo) {
  const auto& server = AddServer(FakeDnsServer::Zone({{"good.test", {"192.0.2.1"}}}));
  config_.use_tcp = true;
  EXPECT_EQ(Ask("good.test").value(), Ips({"192.0.2.1"}));
  for (const auto& seen : server.seen()) EXPECT_TRUE(seen.tcp);
}

TEST_F(ResolverTest, AsksTheNextServerWhenOneFails) {
  AddServer([](const std::string&, std::uint16_t) {
    return Reply{.code = DnsCode::kServFail, .addresses = {}, .alias = {}};
  });
  AddServer(FakeDnsServer::Zone({{"good.test", {"192.0.2.1"}}}));
  EXPECT_EQ(Ask("good.test").value(), Ips({"192.0.2.1"}));
}

TEST_F(ResolverTest, AsksTheNextServerWhenOneIsSilent) {
  AddServer([](const std::string&, std::uint16_t) { return Reply{.addresses = {}, .alias = {}, .silent = true}; });
  AddServer(FakeDnsServer::Zone({{"good.test", {"192.0.2.1"}}}));
  config_.timeout = Milliseconds(20);
  EXPECT_EQ(Ask("good.test").value(), Ips({"192.0.2.1"}));
}

TEST_F(ResolverTest, AsksTheNextServerAtOnceWhenOneIsNotThere) {
  AddServer(FakeDnsServer::Zone({}));
  AddServer(FakeDnsServer::Zone({{"good.test", {"192.0.2.1"}}}));
  servers_.erase(servers_.begin());
  EXPECT_EQ(Ask("good.test").value(), Ips({"192.0.2.1"}));
}

TEST_F(ResolverTest, TakesTheFirstServersWordThatThereIsNoSuchName) {
  AddServer(FakeDnsServer::Zone({}));
  const auto& second = AddServer(FakeDnsServer::Zone({{"good.test", {"192.0.2.1"}}}));
  EXPECT_THAT(WhyNot("good.test"), AllOf(HasSubstr(Format(config_.servers[0])), HasSubstr("no such name")));
  EXPECT_THAT(second.seen(), IsEmpty());
}

TEST_F(ResolverTest, SaysWhichServersWereAskedAndWhatTheySaid) {
  AddServer(
      [](const std::string&, std::uint16_t) { return Reply{.code = DnsCode::kRefused, .addresses = {}, .alias = {}}; });
  const auto& second =
      AddServer([](const std::string&, std::uint16_t) { return Reply{.addresses = {}, .alias = {}, .silent = true}; });
  config_.timeout = Milliseconds(10);
  const std::string why = WhyNot("good.test");
  EXPECT_EQ(why, "good.test: " + Format(config_.servers[0]) + ": refused to answer, " + Format(config_.servers[1]) +
                     ": no answer");
  EXPECT_EQ(second.Asked("good.test"), 2);
}

TEST_F(ResolverTest, DoesNotWaitLongForAnAnswerAboutIpv6WhenItHasIpv4) {
  AddServer([](const std::string&, std::uint16_t type) {
    return Reply{.addresses = Ips({"192.0.2.1"}), .alias = {}, .silent = type == kDnsAaaa};
  });
  const TimePoint begin = Clock::now();
  EXPECT_EQ(Ask("good.test").value(), Ips({"192.0.2.1"}));
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(3));
}

TEST_F(ResolverTest, TriesTheSearchListForShortNamesOnly) {
  const auto& server =
      AddServer(FakeDnsServer::Zone({{"db.corp.test", {"192.0.2.5"}}, {"db.two.corp.test", {"192.0.2.6"}}}));
  config_.search = {"lab.test", "corp.test"};
  EXPECT_EQ(Ask("db").value(), Ips({"192.0.2.5"}));
  EXPECT_EQ(server.Asked("db"), 1);
  EXPECT_EQ(server.Asked("db.lab.test"), 1);
  EXPECT_FALSE(Ask("db.two").ok());
  EXPECT_EQ(server.Asked("db.two.corp.test"), 0);
}

TEST_F(ResolverTest, DoesNotTryTheSearchListWhenTheNameIsFoundAsItIs) {
  const auto& server =
      AddServer(FakeDnsServer::Zone({{"good.test", {"192.0.2.1"}}, {"good.test.corp.test", {"192.0.2.6"}}}));
  config_.search = {"corp.test"};
  config_.ndots = 5;
  EXPECT_EQ(Ask("good.test").value(), Ips({"192.0.2.1"}));
  EXPECT_THAT(server.seen(), SizeIs(2));
}

TEST_F(ResolverTest, DoesNotAskSilentServersForEverySuffix) {
  const auto& server =
      AddServer([](const std::string&, std::uint16_t) { return Reply{.addresses = {}, .alias = {}, .silent = true}; });
  config_.search = {"corp.test", "lab.test"};
  config_.timeout = Milliseconds(5);
  EXPECT_FALSE(Ask("db").ok());
  EXPECT_EQ(server.Asked("db.corp.test"), 0);
}

TEST_F(ResolverTest, KeepsAnswersAndFailuresForAWhile) {
  const auto& server = AddServer(FakeDnsServer::Zone({{"good.test", {"192.0.2.1"}}}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Ask("good.test").ok());
    EXPECT_FALSE(Ask("bad.test").ok());
  }
  EXPECT_THAT(server.seen(), SizeIs(4));
}

TEST_F(ResolverTest, AsksOnceForAllWhoWaitForOneName) {
  const auto& server = AddServer(FakeDnsServer::Zone({{"good.test", {"192.0.2.1"}}}));
  int answers = 0;
  for (int i = 0; i < 10; ++i) {
    resolver().Resolve("good.test", [&answers](const Answer& answer) { answers += answer.ok() ? 1 : 100; });
  }
  loop_.RunUntil([&] { return answers >= 10; }, Clock::now() + std::chrono::seconds(5));
  EXPECT_EQ(answers, 10);
  EXPECT_THAT(server.seen(), SizeIs(2));
}

TEST_F(ResolverTest, DoesNotCallWhoCancelled) {
  AddServer(FakeDnsServer::Zone({{"good.test", {"192.0.2.1"}}}));
  bool cancelled_called = false;
  bool other_called = false;
  Resolver::QueryId doomed = 0;
  resolver().Resolve("good.test", [&](const Answer&) {
    other_called = true;
    resolver().Cancel(doomed);  // whose answer is there too
  });
  doomed = resolver().Resolve("good.test", [&](const Answer&) { cancelled_called = true; });
  loop_.RunUntil([&] { return other_called; }, Clock::now() + std::chrono::seconds(5));
  EXPECT_TRUE(Ask("good.test").ok());
  const auto cached = resolver().Resolve("good.test", [&](const Answer&) { cancelled_called = true; });
  resolver().Cancel(cached);
  EXPECT_TRUE(Ask("good.test").ok());
  EXPECT_FALSE(cancelled_called);
}

TEST_F(ResolverTest, ResolvesManyNamesAtOnceWithFewSockets) {
  AddServer([](const std::string&, std::uint16_t) { return Reply{.addresses = Ips({"192.0.2.1"}), .alias = {}}; });
  int answers = 0;
  for (int i = 0; i < 600; ++i) {
    resolver().Resolve("n" + std::to_string(i) + ".test",
                       [&](const Answer& answer) { answers += answer.ok() ? 1 : 0; });
  }
  std::size_t most = 0;
  loop_.RunUntil(
      [&] {
        most = std::max(most, OpenDescriptors());
        return answers == 600;
      },
      Clock::now() + std::chrono::seconds(20));
  EXPECT_EQ(answers, 600);
  EXPECT_LE(most, descriptors_ + 2 + 2 * 64 + 1);
}

TEST_F(ResolverTest, EndsInTheMiddleOfAQuestionWithoutALeak) {
  AddServer([](const std::string&, std::uint16_t) { return Reply{.addresses = {}, .alias = {}, .silent = true}; });
  resolver().Resolve("good.test", [](const Answer&) { FAIL(); });
  loop_.RunUntil([&] { return servers_[0]->seen().size() == 2; }, Clock::now() + std::chrono::seconds(5));
  EXPECT_GT(OpenDescriptors(), descriptors_ + 2);
}

TEST_F(ResolverTest, TakesTurnsWhenToldToRotate) {
  const auto& first = AddServer(FakeDnsServer::Zone({}));
  const auto& second = AddServer(FakeDnsServer::Zone({}));
  config_.rotate = true;
  for (const char* name : {"a.test", "b.test", "c.test", "d.test"}) EXPECT_FALSE(Ask(name).ok());
  EXPECT_THAT(first.seen(), SizeIs(4));
  EXPECT_THAT(second.seen(), SizeIs(4));
}

}  // namespace
}  // namespace rune::sandbox
