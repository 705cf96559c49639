#include "sandbox/network/relay_dialer.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>

#include "relay_fixture.h"
#include "sandbox/network/nonblocking_socket.h"

namespace rune::sandbox {
namespace {

using test::FakeDnsServer;
using test::Ips;
using test::LoopServer;
using test::OpenDescriptors;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Reply = FakeDnsServer::Reply;

std::string With(const std::string& name, std::uint16_t port) { return name + ":" + std::to_string(port); }

std::string PeerOf(const UniqueFd& socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) return "nobody";
  return Format(DecodeSocketAddress({reinterpret_cast<const char*>(&storage), length}).inet);
}

class DialTest : public test::RelayFixture {};

TEST_F(DialTest, ConnectsToTheAddressBehindAnAllowedName) {
  LoopServer server(loop_, "127.0.0.5");
  Allow({With("good.test", server.port()), With("127.0.0.0/8", server.port())});
  zone_["good.test"] = {"127.0.0.5"};
  const Dialed dialed = Dial({"good.test", {}, server.port()});
  EXPECT_EQ(dialed.error, 0);
  EXPECT_EQ(PeerOf(dialed.upstream), With("127.0.0.5", server.port()));
  EXPECT_EQ(ledger_.At("good.test", server.port()).connections, 1u);
  EXPECT_EQ(ledger_.At("good.test", server.port()).refused, 0u);
}

TEST_F(DialTest, RefusesANameThatLeadsToThisMachineUnlessAnEntryOpensTheAddress) {
  LoopServer server(loop_, "127.0.0.5");
  Allow({With("good.test", server.port())});
  zone_["good.test"] = {"127.0.0.5"};
  EXPECT_EQ(DialError({"good.test", {}, server.port()}), EACCES);
  EXPECT_THAT(refusals_, ElementsAre("address: good.test leads to 127.0.0.5 (loopback)"));
  EXPECT_EQ(ledger_.At("good.test", server.port()).refused, 1u);
  EXPECT_EQ(ledger_.At("good.test", server.port()).connections, 0u);
  Pass(Milliseconds(10));
  EXPECT_THAT(server.peers(), IsEmpty());
  ASSERT_THAT(remedies_, ElementsAre(Remedy{Grant::kDomain, {With("127.0.0.5", server.port())}}));
  StartAnew();
  Allow({With("good.test", server.port()), remedies_[0].entries[0]});
  EXPECT_EQ(DialError({"good.test", {}, server.port()}), 0);
}

TEST_F(DialTest, RefusesEveryKindOfAddressThatIsNotPublic) {
  Allow({"good.test"});
  for (const char* address : {"10.0.0.1",
                              "172.16.5.5",
                              "192.168.1.1",
                              "100.64.0.1",
                              "169.254.169.254",
                              "169.254.1.1",
                              "168.63.129.16",
                              "0.0.0.0",
                              "0.1.2.3",
                              "198.18.0.9",
                              "224.0.0.1",
                              "255.255.255.255",
                              "240.0.0.1",
                              "192.0.0.8",
                              "::",
                              "::1",
                              "fe80::1",
                              "fd00:ec2::254",
                              "fc00::1",
                              "ff02::1",
                              "::ffff:127.0.0.1",
                              "::ffff:10.0.0.1",
                              "64:ff9b::7f00:1",
                              "64:ff9b::a00:1",
                              "2002:7f00:1::1"}) {
    zone_["good.test"] = {address};
    StartAnew();
    EXPECT_EQ(DialError({"good.test", {}, 443}), EACCES) << address;
  }
  EXPECT_EQ(ledger_.At("good.test", 443).refused, refusals_.size());
}

TEST_F(DialTest, AnEntryForAnotherPortOpensNothing) {
  LoopServer server(loop_, "127.0.0.5");
  Allow({With("good.test", server.port()), "127.0.0.0/8:1"});
  zone_["good.test"] = {"127.0.0.5"};
  EXPECT_EQ(DialError({"good.test", {}, server.port()}), EACCES);
}

TEST_F(DialTest, RefusesAnAliasThatLeadsToAPrivateAddress) {
  LoopServer server(loop_, "127.0.0.5");
  script_ = [](const std::string&, std::uint16_t) {
    return Reply{.addresses = Ips({"127.0.0.5"}), .alias = "internal.example"};
  };
  Allow({With("good.test", server.port())});
  EXPECT_EQ(DialError({"good.test", {}, server.port()}), EACCES);
  Allow({With("good.test", server.port()), With("127.0.0.5", server.port())});
  StartAnew();
  EXPECT_EQ(DialError({"good.test", {}, server.port()}), 0);
}

TEST_F(DialTest, ANameThatChangesItsAddressReachesOnlyWhatIsOpen) {
  LoopServer open(loop_, "127.0.0.5");
  LoopServer closed(loop_, "127.0.0.6", open.port());
  ASSERT_TRUE(closed.valid());
  Allow({With("rebind.test", open.port()), With("127.0.0.5", open.port())});
  for (int i = 0; i < 20; ++i) {
    zone_["rebind.test"] = {i % 2 == 0 ? "127.0.0.5" : "127.0.0.6"};
    StartAnew();
    EXPECT_EQ(DialError({"rebind.test", {}, open.port()}), i % 2 == 0 ? 0 : EACCES);
  }
  zone_["rebind.test"] = {"127.0.0.6", "127.0.0.5", "10.0.0.1"};
  StartAnew();
  EXPECT_EQ(PeerOf(Dial({"rebind.test", {}, open.port()}).upstream), With("127.0.0.5", open.port()));
  Pass(Milliseconds(10));
  EXPECT_THAT(open.peers(), SizeIs(11));
  EXPECT_THAT(closed.peers(), IsEmpty());
}

TEST_F(DialTest, ReachesAnAddressOnlyByAnEntryForIt) {
  LoopServer server(loop_, "127.0.0.5");
  Allow({"good.test", With("127.0.0.5", server.port())});
  EXPECT_EQ(DialError({"", Ips({"127.0.0.5"})[0], server.port()}), 0);
  EXPECT_EQ(DialError({"", Ips({"127.0.0.6"})[0], server.port()}), EACCES);
  EXPECT_EQ(DialError({"", Ips({"1.1.1.1"})[0], 443}), EACCES);
  EXPECT_EQ(ledger_.At("127.0.0.5", server.port()).connections, 1u);
  EXPECT_EQ(ledger_.At("1.1.1.1", 443).refused, 1u);
}

TEST_F(DialTest, SaysWhenNobodyListens) {
  std::uint16_t port = LoopServer(loop_, "127.0.0.5").port();
  Allow({With("good.test", port), With("127.0.0.0/8", port), With("[::1]", port)});
  zone_["good.test"] = {"127.0.0.5", "127.0.0.6", "::1"};
  EXPECT_EQ(DialError({"good.test", {}, port}), ECONNREFUSED);
  EXPECT_THAT(refusals_, IsEmpty());
}

TEST_F(DialTest, SaysWhenThereIsNoSuchName) {
  Allow({"good.test"});
  EXPECT_EQ(DialError({"good.test", {}, 443}), EHOSTUNREACH);
}

TEST_F(DialTest, GivesUpAfterItsTimeWhileTheNameServerIsSilent) {
  Allow({"good.test"});
  script_ = [](const std::string&, std::uint16_t) { return Reply{.addresses = {}, .alias = {}, .silent = true}; };
  options_.dial_timeout = Milliseconds(20);
  EXPECT_EQ(DialError({"good.test", {}, 443}), ETIMEDOUT);
}

/// A listener whose queue is full: it does not answer any more, not even with a reset.
class FullServer {
 public:
  FullServer(EventLoop& loop, const std::string& address) : server_(loop, address, 0, 0) {
    server_.StopAccepting();
    for (int i = 0; i < 4; ++i) {
      fillers_.push_back(std::move(StartConnect({Ips({address})[0], server_.port(), 0}, SOCK_STREAM).fd));
    }
  }
  std::uint16_t port() const { return server_.port(); }

 private:
  LoopServer server_;
  std::vector<UniqueFd> fillers_;
};

TEST_F(DialTest, GivesUpAfterItsTimeWhileTheServerIsSilent) {
  FullServer server(loop_, "127.0.0.5");
  Allow({With("good.test", server.port()), With("127.0.0.0/8", server.port())});
  zone_["good.test"] = {"127.0.0.5"};
  options_.dial_timeout = Milliseconds(50);
  EXPECT_EQ(DialError({"good.test", {}, server.port()}), ETIMEDOUT);
}

TEST_F(DialTest, TriesTheNextAddressSoonWhenTheFirstIsSilent) {
  FullServer silent(loop_, "127.0.0.5");
  LoopServer server(loop_, "127.0.0.6", silent.port());
  ASSERT_TRUE(server.valid());
  Allow({With("good.test", server.port()), With("127.0.0.0/8", server.port())});
  zone_["good.test"] = {"127.0.0.5", "127.0.0.6"};
  const TimePoint begin = Clock::now();
  const Dialed dialed = Dial({"good.test", {}, server.port()});
  EXPECT_EQ(PeerOf(dialed.upstream), With("127.0.0.6", server.port()));
  EXPECT_GE(Clock::now() - begin, Milliseconds(250));
}

TEST_F(DialTest, TriesTheNextAddressAtOnceWhenTheFirstRefuses) {
  LoopServer server(loop_, "127.0.0.6");
  Allow({With("good.test", server.port()), With("127.0.0.0/8", server.port())});
  zone_["good.test"] = {"127.0.0.5", "127.0.0.6"};
  const TimePoint begin = Clock::now();
  EXPECT_EQ(PeerOf(Dial({"good.test", {}, server.port()}).upstream), With("127.0.0.6", server.port()));
  EXPECT_LT(Clock::now() - begin, Milliseconds(240));
}

TEST_F(DialTest, ReachesANameThatHasIpv6Only) {
  LoopServer server(loop_, "::1");
  if (!server.valid()) GTEST_SKIP() << "this machine has no IPv6 loopback";
  Allow({With("v6.test", server.port()), With("[::1]", server.port())});
  zone_["v6.test"] = {"::1"};
  EXPECT_EQ(PeerOf(Dial({"v6.test", {}, server.port()}).upstream), With("[::1]", server.port()));
}

TEST_F(DialTest, DoesNotCallWhoCancelled) {
  FullServer server(loop_, "127.0.0.5");
  Allow({With("good.test", server.port()), With("127.0.0.0/8", server.port())});
  zone_["good.test"] = {"127.0.0.5"};
  const auto first = relay().Dial({"good.test", {}, server.port()}, [](int, UniqueFd) { FAIL(); });
  relay().Cancel(first);
  const std::size_t idle = OpenDescriptors();
  const auto second = relay().Dial({"", Ips({"127.0.0.5"})[0], server.port()}, [](int, UniqueFd) { FAIL(); });
  Wait([&] { return OpenDescriptors() > idle; });  // on its way to the server
  relay().Cancel(second);
  Pass(Milliseconds(10));
  EXPECT_EQ(OpenDescriptors(), idle);
}

TEST_F(DialTest, RefusesNothingWhenItOnlyWatches) {
  LoopServer server(loop_, "127.0.0.5");
  Allow({});
  options_.inspect = false;
  zone_["any.test"] = {"127.0.0.5"};
  EXPECT_EQ(DialError({"any.test", {}, server.port()}), 0);
  EXPECT_EQ(DialError({"", Ips({"127.0.0.5"})[0], server.port()}), 0);
}

}  // namespace
}  // namespace rune::sandbox
