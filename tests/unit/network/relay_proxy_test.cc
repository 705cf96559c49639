#include "sandbox/network/relay_proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "client_hello.h"
#include "relay_fixture.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/redaction.h"

namespace rune::sandbox {
namespace {

using test::ClientHello;
using test::Ips;
using test::LoopPeer;
using test::LoopServer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(ParseUpstreamProxyTest, ReadsHostPortAndCredentials) {
  const UpstreamProxy proxy = ParseUpstreamProxy("http://me:p%40ss%3A@Proxy.Example:3128/").value();
  EXPECT_EQ(proxy.host, "proxy.example");
  EXPECT_EQ(proxy.port, 3128);
  EXPECT_EQ(proxy.credentials.Reveal(), "me:p@ss:");
  EXPECT_EQ(ParseUpstreamProxy("http://10.0.0.9").value().port, 80);
  EXPECT_EQ(ParseUpstreamProxy("http://[fd00::9]:8080").value().host, "fd00::9");
}

TEST(ParseUpstreamProxyTest, RefusesWhatItDoesNotUnderstandWithoutRepeatingIt) {
  for (const char* url :
       {"", "proxy:3128", "https://proxy:3128", "socks5://proxy", "http://", "http://:80", "http://proxy:0",
        "http://proxy:x", "http://proxy:70000", "http://proxy/path", "http://fd00::9", "http://[10.0.0.9]",
        "http://[fd00::9", "http://127.1", "http://me@proxy", "http://me:hunter2%zz@proxy"}) {
    const auto proxy = ParseUpstreamProxy(url);
    ASSERT_FALSE(proxy.ok()) << url;
    EXPECT_THAT(proxy.error().message, Not(HasSubstr("hunter2")));
  }
}

TEST(ParseUpstreamProxyTest, TheLogHidesThePasswordFromThenOn) {
  const std::string line = "me:canary-of-the-proxy in clear, or " + Base64Encode("me:canary-of-the-proxy");
  EXPECT_EQ(Redact(line), line);
  ASSERT_TRUE(ParseUpstreamProxy("http://me:canary%2dof%2dthe%2dproxy@proxy").ok());
  EXPECT_THAT(Redact(line), AllOf(Not(HasSubstr("canary")), Not(HasSubstr("Y2FuYXJ5"))));
}

class ProxyTest : public test::RelayFixture {
 protected:
  ProxyTest() {
    Allow({"good.test", "127.0.0.5"});
    options_.proxy = UpstreamProxy{"127.0.0.5", server_->port(), Secret("me:pass")};
    server_->on_accept = [this](LoopPeer& peer) {
      peer.on_data = [this](LoopPeer& self) {
        if (self.received().ends_with("\r\n\r\n")) self.Send(answer_);
      };
    };
  }
  void TearDown() override {
    server_.reset();
    RelayFixture::TearDown();
  }
  std::unique_ptr<LoopServer> server_ = std::make_unique<LoopServer>(loop_, "127.0.0.5");
  std::string answer_ = "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n";
};

TEST_F(ProxyTest, AsksForATunnelToTheNameAndAsksNoNameServer) {
  EXPECT_EQ(DialError({"good.test", {}, 443}), 0);
  EXPECT_EQ(server_->peers()[0]->received(),
            "CONNECT good.test:443 HTTP/1.1\r\nHost: good.test:443\r\nProxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n");
  EXPECT_THAT(dns_->seen(), IsEmpty());
  EXPECT_EQ(ledger_.At("good.test", 443).connections, 1u);
}

TEST_F(ProxyTest, LeavesTheFirstBytesOfTheServerToTheClient) {
  answer_ += "SSH-2.0-Server\r\n";
  const auto tool = DialAndJoin({"good.test", {}, 22});
  EXPECT_TRUE(Wait([&] { return tool->received() == "SSH-2.0-Server\r\n"; }));
}

TEST_F(ProxyTest, FindsTheProxyByItsNameWhereverThatLeads) {
  options_.proxy->host = "proxy.test";
  zone_["proxy.test"] = {"127.0.0.5"};
  EXPECT_EQ(DialError({"good.test", {}, 443}), 0);
  EXPECT_EQ(dns_->Asked("good.test"), 0);
}

TEST_F(ProxyTest, StillLooksAtWhatTheClientSaysAboutItself) {
  const auto tool = DialAndJoin({"good.test", {}, 443});
  tool->Send(ClientHello({"evil.test"}));
  EXPECT_TRUE(Wait([&] { return tool->broken(); }));
  EXPECT_THAT(refusals_, ::testing::ElementsAre(HasSubstr("evil.test")));
}

TEST_F(ProxyTest, ReachesAddressesWithoutTheProxy) {
  EXPECT_EQ(DialError({"", Ips({"127.0.0.5"})[0], server_->port()}), 0);
  Pass(Milliseconds(5));
  EXPECT_EQ(server_->peers()[0]->received(), "");
}

TEST_F(ProxyTest, ReachesWhatNoProxyNamesWithoutTheProxy) {
  zone_["good.test"] = {"127.0.0.5"};
  const std::string port = ":" + std::to_string(server_->port());
  Allow({"good.test" + port, "127.0.0.0/8" + port});
  for (const auto& [direct, lookups] : std::map<std::string, int>{{"other.test", 0}, {"other.test,.good.test", 1}}) {
    StartAnew();
    options_.proxy->direct = NoProxy(direct);
    EXPECT_EQ(DialError({"good.test", {}, server_->port()}), 0) << direct;
    EXPECT_EQ(dns_->Asked("good.test"), lookups) << direct << ": the proxy looks names up itself";
  }
}

TEST_F(ProxyTest, SaysWhyThereIsNoTunnel) {
  for (const auto& [answer, error] : std::map<std::string, int>{{"HTTP/1.1 403 Forbidden\r\n\r\n", EACCES},
                                                                {"HTTP/1.1 407 Who are you\r\n\r\n", EACCES},
                                                                {"HTTP/1.0 502 Bad gateway\r\n\r\n", EHOSTUNREACH},
                                                                {"HTTP/1.1 504 Timeout\r\n\r\n", ETIMEDOUT},
                                                                {"HTTP/1.1 302 Found\r\n\r\n", ECONNREFUSED},
                                                                {"SSH-2.0-Server\r\n\r\n", ECONNREFUSED},
                                                                {std::string(9000, 'x'), ECONNREFUSED}}) {
    answer_ = answer;
    EXPECT_EQ(DialError({"good.test", {}, 443}), error) << answer;
  }
}

TEST_F(ProxyTest, GivesUpAfterItsTimeWhileTheProxyIsSilent) {
  answer_ = "HTTP/1.1 200 ";
  options_.dial_timeout = Milliseconds(20);
  EXPECT_EQ(DialError({"good.test", {}, 443}), ETIMEDOUT);
}

}  // namespace
}  // namespace rune::sandbox
