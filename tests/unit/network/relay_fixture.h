#pragma once
/// A relay with its own name server, rules and ledger, all on one loop; the descriptors of a test are counted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fake_dns_server.h"
#include "loop_peer.h"
#include "sandbox/network/relay.h"

namespace rune::sandbox::test {

class RelayFixture : public ::testing::Test {
 protected:
  struct Dialed {
    int error = 0;
    UniqueFd upstream;
  };
  /// A client and its server, joined by the relay.
  struct Joined {
    std::unique_ptr<LoopPeer> tool;
    std::unique_ptr<LoopPeer> server;
  };

  RelayFixture() : descriptors_(OpenDescriptors()) {
    dns_ = std::make_unique<FakeDnsServer>(loop_, [this](const std::string& name, std::uint16_t type) {
      return script_ ? script_(name, type) : FakeDnsServer::Zone(zone_)(name, type);
    });
    options_.ledger = &ledger_;
    options_.on_refused = [this](const RelayRefusal& refusal, const RelayTarget&) {
      refusals_.push_back(std::string(DeniedActName(refusal.what)) + ": " + refusal.detail);
      remedies_.push_back(refusal.remedy);
    };
  }
  void TearDown() override {
    relay_.reset();
    resolver_.reset();
    dns_.reset();
    EXPECT_EQ(OpenDescriptors(), descriptors_);
  }

  void Allow(const std::vector<std::string>& entries) {
    Result<DomainAllowlist> parsed = DomainAllowlist::Parse(entries);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    rules_ = *std::move(parsed);
    options_.rules = &rules_;
  }
  Relay& relay() {
    if (!relay_) {
      ResolverConfig config;
      config.servers = {dns_->endpoint()};
      resolver_ = std::make_unique<Resolver>(loop_, config);
      relay_ = std::make_unique<Relay>(loop_, *resolver_, options_);
    }
    return *relay_;
  }
  /// A new resolver, which remembers nothing, and a new relay.
  void StartAnew() {
    relay_.reset();
    resolver_.reset();
  }
  bool Wait(const std::function<bool()>& done) {
    return loop_.RunUntil(done, Clock::now() + std::chrono::seconds(10)) == EventLoop::Wake::kDone;
  }
  /// Lets everything happen that happens within `time`.
  void Pass(Milliseconds time) {
    loop_.RunUntil([] { return false; }, Clock::now() + time);
  }

  Dialed Dial(const RelayTarget& target) {
    std::optional<Dialed> dialed;
    relay().Dial(target, [&dialed](int error, UniqueFd upstream) { dialed = Dialed{error, std::move(upstream)}; });
    EXPECT_FALSE(dialed) << "called back from inside";
    EXPECT_TRUE(Wait([&] { return dialed.has_value(); }));
    return dialed ? std::move(*dialed) : Dialed{-1, {}};
  }
  int DialError(const RelayTarget& target) { return Dial(target).error; }

  Joined Join(const RelayTarget& target) {
    auto [tool, client] = TcpPair();
    auto [upstream, server] = TcpPair();
    relay().Join(std::move(client), std::move(upstream), target);
    return {std::make_unique<LoopPeer>(loop_, std::move(tool)), std::make_unique<LoopPeer>(loop_, std::move(server))};
  }
  std::unique_ptr<LoopPeer> DialAndJoin(const RelayTarget& target) {
    auto [tool, client] = TcpPair();
    relay().DialAndJoin(std::move(client), target);
    return std::make_unique<LoopPeer>(loop_, std::move(tool));
  }
  /// Whether `bytes` of the tool reach the server (and nothing else does).
  bool Passes(Joined& joined, const std::string& bytes) {
    joined.tool->Send(bytes);
    EXPECT_TRUE(Wait([&] { return joined.tool->broken() || joined.server->received().size() >= bytes.size(); }));
    return joined.server->received() == bytes;
  }

  std::size_t descriptors_;
  EventLoop loop_;
  std::map<std::string, std::vector<std::string>> zone_;
  FakeDnsServer::Script script_;
  std::unique_ptr<FakeDnsServer> dns_;
  DomainAllowlist rules_;
  EgressLedger ledger_;
  RelayOptions options_;
  std::vector<std::string> refusals_;
  std::vector<Remedy> remedies_;  ///< Of the refusals.
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<Relay> relay_;
};

}  // namespace rune::sandbox::test
