#include "sandbox/network/dns_service.h"

#include <gtest/gtest.h>

namespace rune::sandbox {
namespace {

constexpr std::uint16_t kTxt = 16;
constexpr std::uint16_t kPtr = 12;

class DnsServiceTest : public testing::Test {
 protected:
  DnsServiceTest() : rules_(*DomainAllowlist::Parse({"good.test", "*.wild.test"})), service_(Options()) {}
  DnsService::Options Options() {
    DnsService::Options options;
    options.rules = &rules_;
    options.ledger = &ledger_;
    options.notes = &notes_;
    return options;
  }
  DnsReply Ask(const std::string& name, std::uint16_t type = kDnsA) {
    const auto answer = service_.Answer(WriteDnsQuery(7, name, type));
    return answer ? ReadDnsReply(*answer, 7, name, type).value_or(DnsReply{}) : DnsReply{};
  }

  DomainAllowlist rules_;
  EgressLedger ledger_;
  DenialNotes notes_;
  DnsService service_;
};

TEST_F(DnsServiceTest, GivesEveryAllowedNameAnAddressOfItsOwn) {
  const DnsReply first = Ask("good.test");
  const DnsReply second = Ask("a.wild.test");
  ASSERT_EQ(first.addresses.size(), 1u);
  ASSERT_EQ(second.addresses.size(), 1u);
  EXPECT_EQ(KindOf(first.addresses[0]), AddressKind::kFake);
  EXPECT_NE(first.addresses[0], second.addresses[0]);
  EXPECT_EQ(Ask("good.test").addresses, first.addresses);
  EXPECT_EQ(service_.NameOf(first.addresses[0]), "good.test");
  EXPECT_EQ(service_.NameOf(second.addresses[0]), "a.wild.test");
  EXPECT_EQ(ledger_.At("good.test", 0).lookups, 2u);
}

TEST_F(DnsServiceTest, KnowsNoNameBehindAnAddressThatItNeverGave) {
  EXPECT_EQ(service_.NameOf(*ParseIp("198.18.0.2")), std::nullopt);
  EXPECT_EQ(service_.NameOf(*ParseIp("198.18.0.0")), std::nullopt);
  EXPECT_EQ(service_.NameOf(*ParseIp("8.8.8.8")), std::nullopt);
  EXPECT_EQ(service_.NameOf(*ParseIp("::1")), std::nullopt);
}

TEST_F(DnsServiceTest, HasNoOtherRecordsOfAnAllowedName) {
  for (const std::uint16_t type : {kDnsAaaa, kTxt, std::uint16_t{65} /* HTTPS */, std::uint16_t{255} /* ANY */}) {
    const DnsReply reply = Ask("good.test", type);
    EXPECT_EQ(reply.code, DnsCode::kNoError) << type;
    EXPECT_TRUE(reply.addresses.empty()) << type;
  }
}

TEST_F(DnsServiceTest, NotesANameThatIsNotAllowed) {
  EXPECT_EQ(Ask("evil.test").code, DnsCode::kNxDomain);
  EXPECT_EQ(Ask("evil.test", kDnsAaaa).code, DnsCode::kNxDomain);
  EXPECT_EQ(Ask("wild.test").code, DnsCode::kNxDomain);
  ASSERT_EQ(notes_.All().size(), 2u);
  EXPECT_EQ(notes_.All()[0].by, DeniedBy::kNames);
  EXPECT_EQ(notes_.All()[0].what, DeniedAct::kLookup);
  EXPECT_EQ(notes_.All()[0].remedy, (Remedy{Grant::kDomain, {"evil.test"}}));
  EXPECT_EQ(notes_.All()[0].target, "evil.test");
  EXPECT_EQ(notes_.All()[0].count, 1u) << "the two questions of a pair are one lookup";
  EXPECT_EQ(ledger_.At("evil.test", 0).refused, 1u);
}

TEST_F(DnsServiceTest, SaysWhereLocalhostIs) {
  EXPECT_EQ(Ask("localhost").addresses, std::vector{*ParseIp("127.0.0.1")});
  EXPECT_TRUE(notes_.All().empty());
}

TEST_F(DnsServiceTest, HoldsAReverseLookupForNoNews) {
  EXPECT_EQ(Ask("2.0.18.198.in-addr.arpa", kPtr).code, DnsCode::kNxDomain);
  EXPECT_TRUE(notes_.All().empty());
}

TEST_F(DnsServiceTest, GivesTheOldestAddressBackAndNeverSoonToAnotherName) {
  const auto name = [](int i) { return "n" + std::to_string(i) + ".wild.test"; };
  std::map<IpAddress, int> last;
  // More than there are addresses, twice over.
  for (int i = 0; i < 300'000; ++i) {
    const auto addresses = Ask(name(i)).addresses;
    ASSERT_EQ(addresses.size(), 1u);
    ASSERT_EQ(KindOf(addresses[0]), AddressKind::kFake);
    ASSERT_EQ(service_.NameOf(addresses[0]), name(i));
    const auto before = last.find(addresses[0]);
    ASSERT_TRUE(before == last.end() || i - before->second > 130'000) << Format(addresses[0]);
    last[addresses[0]] = i;
  }
  std::size_t meant = 0;
  for (const auto& [address, i] : last) {
    const auto now = service_.NameOf(address);
    if (now) ++meant;
    ASSERT_EQ(now.has_value(), i >= 300'000 - 4096) << i;
    ASSERT_EQ(now.value_or(name(i)), name(i));
  }
  EXPECT_EQ(meant, 4096u);
  EXPECT_EQ(service_.NameOf(*ParseIp("198.18.0.1")), std::nullopt);
  EXPECT_EQ(service_.NameOf(*ParseIp("198.19.255.255")), std::nullopt);
  // One that was given back gets a new one.
  const auto again = Ask(name(0)).addresses;
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(service_.NameOf(again[0]), name(0));
}

TEST_F(DnsServiceTest, ResolvesEveryNameWhenItOnlyWatches) {
  DnsService::Options options = Options();
  options.every_name = true;
  service_ = DnsService(options);
  EXPECT_EQ(Ask("evil.test").addresses.size(), 1u);
  EXPECT_TRUE(notes_.All().empty());
  EXPECT_EQ(ledger_.At("evil.test", 0).refused, 1u);
}

TEST_F(DnsServiceTest, AnswersNoMessageThatIsNoQuery) {
  EXPECT_EQ(service_.Answer("x"), std::nullopt);
  EXPECT_EQ(service_.Answer(std::string(12, '\xff')), std::nullopt);
}

}  // namespace
}  // namespace rune::sandbox
