#include "sandbox/network/relay_inspector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "client_hello.h"
#include "relay_fixture.h"

namespace rune::sandbox {
namespace {

using test::ClientHello;
using test::EarlyData;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const RelayTarget kHttps{"good.test", {}, 443};
const RelayTarget kHttp{"good.test", {}, 80};
const RelayTarget kOther{"good.test", {}, 9000};
const RelayTarget kAddress{"", {4, {127, 0, 0, 5}}, 443};

std::string Get(const std::string& host) { return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"; }

class InspectionTest : public test::RelayFixture {
 protected:
  InspectionTest() { Allow({"good.test", "also.test", "good.test:9000", "127.0.0.5"}); }

  /// `bytes` of the client are refused: it is reset, the server gets nothing, the refusal is told and counted.
  void ExpectRefused(const RelayTarget& target, const std::string& bytes, const std::string& what) {
    SCOPED_TRACE(What(bytes));
    refusals_.clear();
    const auto before = ledger_.At(target.key(), target.port).refused;
    Joined joined = Join(target);
    joined.tool->Send(bytes);
    EXPECT_TRUE(Wait([&] { return joined.tool->broken() && joined.server->broken(); }));
    EXPECT_EQ(joined.server->received(), "");
    EXPECT_EQ(joined.tool->received(), "");
    EXPECT_THAT(refusals_, ElementsAre(StartsWith(what + ": ")));
    EXPECT_EQ(ledger_.At(target.key(), target.port).refused, before + 1);
    EXPECT_EQ(relay().open_connections(), 0u);
  }
  void ExpectPasses(const RelayTarget& target, const std::string& bytes) {
    SCOPED_TRACE(What(bytes));
    Joined joined = Join(target);
    EXPECT_TRUE(Passes(joined, bytes));
    joined.server->Send("welcome");
    EXPECT_TRUE(Wait([&] { return joined.tool->received() == "welcome"; }));
    EXPECT_THAT(refusals_, IsEmpty());
  }
  static std::string What(const std::string& bytes) { return ::testing::PrintToString(bytes.substr(0, 40)); }
};

TEST_F(InspectionTest, TellsTheEntryThatAllowsTheNameThatWasAskedFor) {
  const auto domain = [](const std::string& entry) { return Remedy{Grant::kDomain, {entry}}; };
  ExpectRefused(kHttps, ClientHello({"evil.test"}), "tls");
  ExpectRefused(kOther, ClientHello({"evil.test"}), "tls");
  ExpectRefused(kHttp, Get("bad.test"), "http");
  ExpectRefused(kOther, Get("bad.test"), "http");
  ExpectRefused(kHttps, ClientHello(), "tls");
  ExpectRefused(kHttps, "SSH-2.0-OpenSSH_9.2\r\n", "tls");
  ExpectRefused(kHttp, Get("good.test:81"), "http");
  ExpectRefused(kHttp, Get("127.0.0.1"), "http");
  EXPECT_THAT(remedies_, ElementsAre(domain("evil.test"), domain("evil.test:9000"), domain("bad.test"),
                                     domain("bad.test:9000"), Remedy(), Remedy(), Remedy(), Remedy()));
  // With what was told, the same passes.
  std::vector<std::string> entries{"good.test", "good.test:9000"};
  for (const Remedy& remedy : remedies_) entries.insert(entries.end(), remedy.entries.begin(), remedy.entries.end());
  StartAnew();
  Allow(entries);
  refusals_.clear();
  ExpectPasses(kHttps, ClientHello({"evil.test"}));
  ExpectPasses(kOther, ClientHello({"evil.test"}));
  ExpectPasses(kHttp, Get("bad.test"));
  ExpectPasses(kOther, Get("bad.test"));
}

TEST_F(InspectionTest, PassesTlsForAnAllowedServerName) {
  ExpectPasses(kHttps, ClientHello({"good.test"}));
  ExpectPasses(kHttps, ClientHello({"also.test"}));
  ExpectPasses(kOther, ClientHello({"good.test"}));
}

TEST_F(InspectionTest, RefusesTlsForAnotherServerName) {
  ExpectRefused(kHttps, ClientHello({"evil.test"}), "tls");
  EXPECT_THAT(refusals_[0], HasSubstr("evil.test"));
  ExpectRefused(kOther, ClientHello({"evil.test"}), "tls");
  ExpectRefused(kOther, ClientHello({"also.test"}), "tls");  // which is allowed on 443 only
}

TEST_F(InspectionTest, RefusesTlsWithoutAServerNameOrWithSeveral) {
  ExpectRefused(kHttps, ClientHello(), "tls");
  ExpectRefused(kHttps, ClientHello({"good.test", "evil.test"}), "tls");
  ExpectRefused(kHttps, ClientHello({std::string("good.test\0.evil.test", 20)}), "tls");
  ExpectRefused(kHttps, ClientHello({"127.0.0.1"}), "tls");
}

TEST_F(InspectionTest, RefusesWhatIsNoTlsOnPort443) {
  ExpectRefused(kHttps, Get("good.test"), "tls");
  ExpectRefused(kHttps, "SSH-2.0-OpenSSH_9.2\r\n", "tls");
  ExpectRefused(kHttps, std::string(3, '\0'), "tls");
}

TEST_F(InspectionTest, ReadsAHelloThatComesByteByByte) {
  Joined joined = Join(kHttps);
  const std::string hello = ClientHello({"good.test"});
  for (const char byte : hello) {
    EXPECT_EQ(joined.server->received(), "");
    joined.tool->Send({&byte, 1});
    Pass(Milliseconds(1));
  }
  EXPECT_TRUE(Wait([&] { return joined.server->received() == hello; }));
}

TEST_F(InspectionTest, PassesWhatFollowsTheHelloInOneGo) {
  ExpectPasses(kHttps, ClientHello({"good.test"}) + EarlyData(4));
}

TEST_F(InspectionTest, RefusesAHelloThatNeverEnds) {
  options_.hello_timeout = Milliseconds(20);
  ExpectRefused(kHttps, ClientHello({"good.test"}).substr(0, 100), "tls");
  ExpectRefused(kOther, ClientHello({"good.test"}).substr(0, 100), "tls");
  ExpectRefused(kHttp, Get("good.test").substr(0, 20), "http");
  ExpectRefused(kOther, Get("good.test").substr(0, 20), "http");
  ExpectRefused(kHttp, "GET / HTTP/1.1\r\nHost: good.test\r\nX: " + std::string(70'000, 'x'), "http");
}

TEST_F(InspectionTest, ClosesAClientThatSaysNothingWithoutCallingItRefused) {
  options_.hello_timeout = Milliseconds(10);
  Joined joined = Join(kHttps);
  EXPECT_TRUE(Wait([&] { return joined.tool->broken(); }));
  EXPECT_THAT(refusals_, IsEmpty());
}

TEST_F(InspectionTest, LetsTheServerSpeakFirstAndTheClientWait) {
  options_.hello_timeout = Milliseconds(10);
  Joined joined = Join(kOther);
  joined.server->Send("220 good.test ESMTP\r\n");
  EXPECT_TRUE(Wait([&] { return !joined.tool->received().empty(); }));
  Pass(Milliseconds(30));
  EXPECT_FALSE(joined.tool->broken());
  EXPECT_TRUE(Passes(joined, "EHLO me.test\r\n"));
}

TEST_F(InspectionTest, PassesOtherProtocolsOnOtherPorts) {
  ExpectPasses(kOther, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
  ExpectPasses(kOther, "PING\r\n");
  ExpectPasses(kOther, std::string("\0\0\0\x08\x04\xd2\x16\x2f", 8));  // PostgreSQL
  ExpectPasses(kOther, std::string("\x16\x80\x01", 3));
}

TEST_F(InspectionTest, PassesAShortWordOfAClientThatThenLeaves) {
  Joined joined = Join(kOther);
  joined.tool->Send("hello");
  joined.tool->End();
  EXPECT_TRUE(Wait([&] { return joined.server->ended(); }));
  EXPECT_EQ(joined.server->received(), "hello");
}

TEST_F(InspectionTest, RefusesAClientThatLeavesBeforeItHasSaidWhatItWants) {
  for (const auto& [target, bytes] :
       {std::pair(kHttps, ClientHello({"good.test"}).substr(0, 50)), std::pair(kHttp, Get("good.test").substr(0, 30)),
        std::pair(kOther, Get("evil.test").substr(0, 33))}) {
    Joined joined = Join(target);
    joined.tool->Send(bytes);
    joined.tool->End();
    EXPECT_TRUE(Wait([&] { return joined.server->broken(); }));
    EXPECT_EQ(joined.server->received(), "");
  }
  EXPECT_THAT(refusals_, SizeIs(3));
}

TEST_F(InspectionTest, PassesHttpForAnAllowedHost) {
  ExpectPasses(kHttp, Get("good.test"));
  ExpectPasses(kHttp, Get("also.test"));
  ExpectPasses(kHttp, Get("good.test:80"));
  ExpectPasses(kOther, Get("good.test:9000"));
  ExpectPasses(kHttp, Get("good.test") + Get("also.test"));
}

TEST_F(InspectionTest, RefusesHttpForAnotherHost) {
  ExpectRefused(kHttp, Get("evil.test"), "http");
  EXPECT_THAT(refusals_[0], HasSubstr("evil.test"));
  ExpectRefused(kHttp, Get("good.test:81"), "http");
  ExpectRefused(kHttp, Get("127.0.0.1"), "http");
  ExpectRefused(kHttp, "GET / HTTP/1.1\r\nHost: good.test\r\nHost: evil.test\r\n\r\n", "http");
  ExpectRefused(kHttp, "GET http://evil.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n", "http");
  ExpectRefused(kHttp, "CONNECT evil.test:443 HTTP/1.1\r\nHost: good.test\r\n\r\n", "http");
  ExpectRefused(kHttp, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http");
  ExpectRefused(kOther, Get("evil.test"), "http");
  ExpectRefused(kOther, "\r\n" + Get("evil.test"), "http");
}

TEST_F(InspectionTest, RefusesWhatIsNoHttpOnPort80) {
  ExpectRefused(kHttp, "SSH-2.0-OpenSSH_9.2\r\n", "http");
  ExpectRefused(kHttp, ClientHello({"good.test"}), "http");
}

TEST_F(InspectionTest, RefusesALaterRequestForAnotherHost) {
  Joined joined = Join(kHttp);
  const std::string first = "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 4\r\n\r\nbody";
  EXPECT_TRUE(Passes(joined, first));
  joined.server->Send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(Wait([&] { return !joined.tool->received().empty(); }));
  joined.tool->Send(Get("evil.test"));
  EXPECT_TRUE(Wait([&] { return joined.tool->broken() && joined.server->broken(); }));
  EXPECT_EQ(joined.server->received(), first);
  EXPECT_THAT(refusals_, ElementsAre("http: the host evil.test is not allowed"));
}

TEST_F(InspectionTest, LooksAtNothingWhenTheCommandUsedAnAddress) {
  ExpectPasses(kAddress, Get("evil.test"));
  ExpectPasses(kAddress, ClientHello({"evil.test"}));
}

TEST_F(InspectionTest, RefusesNothingWhenItOnlyWatches) {
  options_.inspect = false;
  options_.upload_left = [](const std::string&) { return std::uint64_t{1}; };
  ExpectPasses(kHttps, ClientHello({"evil.test"}));
  ExpectPasses(kHttps, ClientHello());
  ExpectPasses(kHttps, Get("bad.test"));
  ExpectPasses(kHttp, Get("one.test") + Get("two.test") + "nonsense\r\n\r\n");
}

TEST_F(InspectionTest, RefusesNoNameWhereEverythingIsAllowed) {
  options_.hello_timeout = Milliseconds(5);
  Allow({"*"});
  ExpectPasses(kHttps, ClientHello());
  ExpectPasses(kHttps, "anything");
  Joined joined = Join(kHttps);
  Pass(Milliseconds(20));
  EXPECT_TRUE(Passes(joined, "at last"));
}

}  // namespace
}  // namespace rune::sandbox
