#include "sandbox/network/relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <random>
#include <utility>

#include "client_hello.h"
#include "relay_fixture.h"

namespace rune::sandbox {
namespace {

using test::ClientHello;
using test::EarlyData;
using test::LoopPeer;
using test::LoopServer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const RelayTarget kHttps{"good.test", {}, 443};
const RelayTarget kHttp{"good.test", {}, 80};
const RelayTarget kOther{"good.test", {}, 9000};
const RelayTarget kAddress{"", {4, {127, 0, 0, 5}}, 443};

std::string Get(const std::string& host) { return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"; }

std::string RandomBytes(std::size_t size) {
  std::minstd_rand random(7);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random() & 0xff);
  return bytes;
}

std::string With(const std::string& name, std::uint16_t port) { return name + ":" + std::to_string(port); }

class RelayTest : public test::RelayFixture {
 protected:
  RelayTest() { Allow({"good.test", "good.test:9000", "127.0.0.5"}); }
};

// Bytes and ends.

TEST_F(RelayTest, CarriesMuchBothWaysAtOnceAndCountsIt) {
  const std::string up = RandomBytes(9'000'001);
  const std::string down(up.rbegin(), up.rend());
  Joined joined = Join(kAddress);
  joined.tool->Send(up);
  joined.server->Send(down);
  EXPECT_TRUE(Wait([&] { return joined.server->received().size() + joined.tool->received().size() >= 2 * up.size(); }));
  EXPECT_TRUE(joined.server->received() == up);
  EXPECT_TRUE(joined.tool->received() == down);
  EXPECT_EQ(ledger_.At("127.0.0.5", 443).sent, up.size());
  EXPECT_EQ(ledger_.At("127.0.0.5", 443).received, down.size());
}

TEST_F(RelayTest, PassesAHalfCloseOnAndStillCarriesTheAnswer) {
  Joined joined = Join(kAddress);
  joined.tool->Send("question");
  joined.tool->End();
  EXPECT_TRUE(Wait([&] { return joined.server->ended(); }));
  EXPECT_EQ(joined.server->received(), "question");
  EXPECT_EQ(relay().open_connections(), 1u);
  const std::string answer = RandomBytes(1'000'000);
  joined.server->Send(answer);
  joined.server->End();
  EXPECT_TRUE(Wait([&] { return joined.tool->ended(); }));
  EXPECT_TRUE(joined.tool->received() == answer);
  EXPECT_FALSE(joined.tool->broken());
  EXPECT_FALSE(joined.server->broken());
  EXPECT_EQ(relay().open_connections(), 0u);
}

TEST_F(RelayTest, PassesAHalfCloseOfTheServerOn) {
  Joined joined = Join(kAddress);
  joined.server->Send("bye");
  joined.server->End();
  EXPECT_TRUE(Wait([&] { return joined.tool->ended(); }));
  EXPECT_TRUE(Passes(joined, "one more thing"));
  joined.tool->End();
  EXPECT_TRUE(Wait([&] { return joined.server->ended() && relay().open_connections() == 0; }));
}

TEST_F(RelayTest, PassesAResetOfTheServerOnBehindItsData) {
  Joined joined = Join(kAddress);
  joined.server->Send("partial answer");
  EXPECT_TRUE(Wait([&] { return !joined.tool->received().empty(); }));
  joined.server->Reset();
  EXPECT_TRUE(Wait([&] { return joined.tool->broken(); }));
  EXPECT_FALSE(joined.tool->ended());
  EXPECT_EQ(relay().open_connections(), 0u);
}

TEST_F(RelayTest, PassesAResetOfTheClientOn) {
  Joined joined = Join(kAddress);
  EXPECT_TRUE(Passes(joined, "question"));
  joined.tool->Reset();
  EXPECT_TRUE(Wait([&] { return joined.server->broken(); }));
  EXPECT_FALSE(joined.server->ended());
}

TEST_F(RelayTest, NoticesAClientThatIsLostAfterItsHalfClose) {
  Joined joined = Join(kAddress);
  joined.tool->End();
  EXPECT_TRUE(Wait([&] { return joined.server->ended(); }));
  joined.tool->Reset();
  EXPECT_TRUE(Wait([&] { return relay().open_connections() == 0; }));
}

TEST_F(RelayTest, ForwardsTheAnswerOfAServerThatDoesNotWantTheRest) {
  Joined joined = Join(kAddress);
  joined.server->StopReading();
  joined.tool->Send(std::string(1 << 20, 'x'));
  Pass(Milliseconds(5));
  joined.server->Send("413");
  joined.server->Close();  // with unread data: a reset
  EXPECT_TRUE(Wait([&] { return joined.tool->broken() || joined.tool->ended(); }));
  EXPECT_EQ(joined.tool->received(), "413");
  EXPECT_TRUE(Wait([&] { return relay().open_connections() == 0; }));
}

TEST_F(RelayTest, HoldsTheServerBackWhileTheClientDoesNotRead) {
  Joined joined = Join(kAddress);
  joined.tool->StopReading();
  const std::string much = RandomBytes(64 << 20);
  joined.server->Send(much);
  Pass(Milliseconds(50));
  // What the kernel's buffers of four sockets hold, and 64 KiB of ours.
  EXPECT_GT(joined.server->unsent(), much.size() / 2);
  EXPECT_FALSE(joined.tool->broken());
  joined.tool->GoOnReading();
  EXPECT_TRUE(Wait([&] { return joined.tool->received().size() == much.size(); }));
  EXPECT_TRUE(joined.tool->received() == much);
}

TEST_F(RelayTest, DoesNotSpinWhileOneSideIsGoneAndTheOtherDoesNotRead) {
  Joined joined = Join(kAddress);
  joined.tool->StopReading();
  joined.server->Send(RandomBytes(16 << 20));
  joined.server->End();
  Pass(Milliseconds(20));
  joined.server->Reset();
  Pass(Milliseconds(20));
  int turns = 0;
  loop_.RunUntil([&turns] { return ++turns > 1000; }, Clock::now() + Milliseconds(50));
  EXPECT_LT(turns, 20);
}

TEST_F(RelayTest, ResetsEverythingWhenItEnds) {
  Joined first = Join(kAddress);
  Joined second = Join(kHttp);
  EXPECT_TRUE(Passes(first, "question"));
  EXPECT_EQ(relay().open_connections(), 2u);
  StartAnew();
  EXPECT_TRUE(Wait([&] { return first.tool->broken() && first.server->broken() && second.tool->broken(); }));
}

// The cap on uploads.

TEST_F(RelayTest, SendsExactlyWhatMayBeSentAndThenResets) {
  constexpr std::uint64_t kCap = 300'000;
  options_.upload_left = [this](const std::string& account) { return kCap - ledger_.Charged(account); };
  Joined joined = Join(kAddress);
  EXPECT_TRUE(Passes(joined, std::string(kCap, 'x')));
  EXPECT_THAT(refusals_, IsEmpty());
  joined.server->Send("so far so good");
  EXPECT_TRUE(Wait([&] { return !joined.tool->received().empty(); }));
  joined.tool->Send("y");
  EXPECT_TRUE(Wait([&] { return joined.tool->broken() && joined.server->broken(); }));
  EXPECT_EQ(joined.server->received().size(), kCap);
  EXPECT_EQ(ledger_.Charged("127.0.0.5"), kCap);
  EXPECT_EQ(ledger_.At("127.0.0.5", 443).refused, 1u);
  EXPECT_THAT(refusals_, ElementsAre(StartsWith("upload: ")));
  EXPECT_THAT(remedies_, ElementsAre(Remedy{Grant::kUpload, {}}));
}

TEST_F(RelayTest, CountsAllConnectionsToANameAgainstItsCap) {
  constexpr std::uint64_t kCap = 1'000'000;
  options_.upload_left = [this](const std::string& account) { return kCap - ledger_.Charged(account); };
  std::vector<Joined> all;
  for (int i = 0; i < 4; ++i) all.push_back(Join(i % 2 == 0 ? kHttps : kOther));
  for (Joined& joined : all) joined.tool->Send(ClientHello({"good.test"}) + EarlyData(40));
  EXPECT_TRUE(Wait([&] { return !refusals_.empty() && ledger_.Charged("good.test") == kCap; }));
  Pass(Milliseconds(20));
  EXPECT_EQ(ledger_.Charged("good.test"), kCap);
  std::size_t arrived = 0;
  for (const Joined& joined : all) arrived += joined.server->received().size();
  EXPECT_LE(arrived, kCap);
}

TEST_F(RelayTest, CountsAllNamesUnderAnEntryAgainstItsCap) {
  constexpr std::uint64_t kCap = 1'000'000;
  Allow({"*.wild.test:9000", "own.wild.test:9000", "127.0.0.0/24"});
  options_.upload_left = [this](const std::string& account) { return kCap - ledger_.Charged(account); };
  std::vector<Joined> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(Join({"n" + std::to_string(i) + ".wild.test", {}, 9000}));
    all.push_back(Join({"", {4, {127, 0, 0, static_cast<std::uint8_t>(i)}}, 9000}));
  }
  Joined apart = Join({"own.wild.test", {}, 9000});
  for (Joined& joined : all) joined.tool->Send("{}" + std::string(400'000, '{'));
  EXPECT_TRUE(Passes(apart, "{}" + std::string(400'000, '{')));
  EXPECT_TRUE(Wait([&] { return ledger_.Charged("*.wild.test") == kCap && ledger_.Charged("127.0.0.0/24") == kCap; }));
  EXPECT_TRUE(Wait([&] { return refusals_.size() >= 2; }));
  EXPECT_THAT(refusals_, ::testing::Contains("upload: all that may be sent to *.wild.test has been sent"));
  EXPECT_EQ(ledger_.Charged("own.wild.test"), 400'002u);
  std::size_t arrived = 0;
  for (const Joined& joined : all) arrived += joined.server->received().size();
  EXPECT_LE(arrived, 2 * kCap);
}

TEST_F(RelayTest, CountsANameOfTheClientsChoiceAsSent) {
  std::size_t asked = 0;
  script_ = [&](const std::string&, std::uint16_t) {
    ++asked;
    return test::FakeDnsServer::Reply{};
  };
  Allow({"*.wild.test:9000", "good.test:9000"});
  options_.upload_left = [this](const std::string& account) { return 100 - ledger_.Charged(account); };
  const RelayTarget carries{std::string(40, 'x') + ".wild.test", {}, 9000};
  EXPECT_EQ(DialError(carries), EHOSTUNREACH);
  EXPECT_EQ(ledger_.Charged("*.wild.test"), 50u);
  EXPECT_EQ(DialError(carries), EHOSTUNREACH);
  const std::size_t before = asked;
  EXPECT_EQ(DialError({std::string(40, 'y') + ".wild.test", {}, 9000}), EACCES);
  EXPECT_EQ(asked, before);
  EXPECT_THAT(refusals_, ElementsAre(StartsWith("upload: ")));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(DialError({"good.test", {}, 9000}), EHOSTUNREACH);
  EXPECT_EQ(ledger_.Charged("good.test"), 0u);
}

// Joined before the server is known.

class DialAndJoinTest : public RelayTest {
 protected:
  DialAndJoinTest() {
    target_.port = server_->port();
    Allow({With("good.test", target_.port), With("127.0.0.5", target_.port)});
    zone_["good.test"] = {"127.0.0.5"};
    server_->on_accept = [](LoopPeer& peer) {
      peer.on_data = [answered = std::size_t{0}](LoopPeer& self) mutable {
        self.Send(std::string_view(self.received()).substr(std::exchange(answered, self.received().size())));
      };
    };
  }
  void TearDown() override {
    server_.reset();
    RelayTest::TearDown();
  }
  std::unique_ptr<LoopServer> server_ = std::make_unique<LoopServer>(loop_, "127.0.0.5");
  RelayTarget target_{"good.test", {}, 0};
};

TEST_F(DialAndJoinTest, KeepsWhatTheClientSendsUntilTheServerIsThere) {
  const auto tool = DialAndJoin(target_);
  tool->Send("early\n");
  EXPECT_TRUE(Wait([&] { return tool->received() == "early\n"; }));
  EXPECT_EQ(ledger_.At("good.test", target_.port).connections, 1u);
}

TEST_F(DialAndJoinTest, KeepsAtMostSixtyFourKilobytes) {
  script_ = [](const std::string&, std::uint16_t) {
    return test::FakeDnsServer::Reply{.addresses = {}, .alias = {}, .silent = true};
  };
  const auto tool = DialAndJoin(target_);
  tool->Send("x\n" + std::string(64 << 20, 'x'));
  Pass(Milliseconds(20));
  EXPECT_GT(tool->unsent(), std::size_t{32} << 20);
}

TEST_F(DialAndJoinTest, LooksAtTheClientWhileItDials) {
  const auto tool = DialAndJoin(target_);
  tool->Send(Get("evil.test"));
  EXPECT_TRUE(Wait([&] { return tool->broken(); }));
  Pass(Milliseconds(10));
  EXPECT_THAT(server_->peers(), IsEmpty());
  EXPECT_EQ(relay().open_connections(), 0u);
}

TEST_F(DialAndJoinTest, ResetsTheClientWhenTheServerCannotBeReached) {
  zone_["good.test"] = {"127.0.0.6"};
  auto tool = DialAndJoin(target_);
  EXPECT_TRUE(Wait([&] { return tool->broken(); }));
  EXPECT_THAT(refusals_, ElementsAre("address: good.test leads to 127.0.0.6 (loopback)"));
  zone_.clear();
  StartAnew();
  tool = DialAndJoin(target_);
  EXPECT_TRUE(Wait([&] { return tool->broken(); }));
  EXPECT_FALSE(tool->ended());
}

TEST_F(DialAndJoinTest, StopsDiallingForAClientThatIsGone) {
  script_ = [](const std::string&, std::uint16_t) {
    return test::FakeDnsServer::Reply{.addresses = {}, .alias = {}, .silent = true};
  };
  auto first = DialAndJoin(target_);
  auto second = DialAndJoin(target_);
  second->Send("x\n");
  second->End();
  Pass(Milliseconds(5));
  EXPECT_EQ(relay().open_connections(), 2u);
  first->Reset();
  second->Reset();
  EXPECT_TRUE(Wait([&] { return relay().open_connections() == 0; }));
}

TEST_F(DialAndJoinTest, LosesAndMixesNothingAmongTwoHundredConnections) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const rlimit before = files;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::vector<std::unique_ptr<LoopPeer>> tools;
  std::vector<std::string> ids;
  for (int i = 0; i < 200; ++i) {
    ids.push_back("connection " + std::to_string(i) + "\n" + std::string(static_cast<std::size_t>(i) * 37, 'x') + "\n");
    tools.push_back(DialAndJoin(target_));
    tools.back()->Send(ids.back());
    tools.back()->End();
  }
  const auto all_answered = [&] {
    for (std::size_t i = 0; i < tools.size(); ++i) {
      if (tools[i]->received().size() < ids[i].size()) return false;
    }
    return true;
  };
  EXPECT_TRUE(Wait(all_answered));
  for (std::size_t i = 0; i < tools.size(); ++i) EXPECT_EQ(tools[i]->received(), ids[i]);
  EXPECT_THAT(server_->peers(), SizeIs(200));
  EXPECT_EQ(ledger_.At("good.test", target_.port).connections, 200u);
  EXPECT_EQ(dns_->Asked("good.test"), 1);
  StartAnew();
  tools.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace rune::sandbox
