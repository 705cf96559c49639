#include "sandbox/network/dns_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace rune::sandbox {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint16_t kId = 0x1234;
constexpr std::uint16_t kCname = 5;

std::string U16(unsigned value) { return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)}; }
std::string U32(std::uint32_t value) { return U16(value >> 16) + U16(value & 0xffff); }

/// Labels as they are, with no check.
std::string Wire(const std::vector<std::string>& labels) {
  std::string out;
  for (const std::string& label : labels) out += static_cast<char>(label.size()) + label;
  return out + '\0';
}

struct Message {
  unsigned flags = 0;
  unsigned questions = 1;
  unsigned answers = 0;
  unsigned authorities = 0;
  unsigned additional = 0;
  std::string body;

  std::string Bytes() const {
    return U16(kId) + U16(flags) + U16(questions) + U16(answers) + U16(authorities) + U16(additional) + body;
  }
};

const std::string kGood = Wire({"good", "test"});
std::string Question(const std::string& name = kGood, unsigned type = kDnsA, unsigned dns_class = 1) {
  return name + U16(type) + U16(dns_class);
}
std::string Opt(unsigned version = 0) { return "\0"s + U16(41) + U16(1232) + U32(version << 16) + U16(0); }

DnsQuery Read(const Message& message) {
  const auto query = ReadDnsQuery(message.Bytes());
  EXPECT_TRUE(query);
  return query.value_or(DnsQuery{});
}

TEST(DnsQueryTest, ReadsAPlainQuestion) {
  const DnsQuery query = Read({.flags = 0x0100, .body = Question(Wire({"Good", "TEST"}), kDnsAaaa)});
  EXPECT_TRUE(query.well_formed);
  EXPECT_EQ(query.id, kId);
  EXPECT_EQ(query.type, kDnsAaaa);
  EXPECT_EQ(query.name, "good.test");
  EXPECT_EQ(query.question, Question(Wire({"Good", "TEST"}), kDnsAaaa));
  EXPECT_TRUE(query.recursion_desired);
  EXPECT_FALSE(query.edns);
}

TEST(DnsQueryTest, TakesEveryTypeAndTheFlagsOfAClient) {
  for (const unsigned type : {1u, 2u, 12u, 15u, 16u, 28u, 33u, 65u, 252u, 255u}) {
    EXPECT_TRUE(Read({.body = Question(kGood, type)}).well_formed) << type;
  }
  EXPECT_TRUE(Read({.flags = 0x0130, .body = Question()}).well_formed);  // AD and CD
  EXPECT_TRUE(Read({.body = Question(Wire({"_sip", "_tcp", "a_b", "test"}))}).well_formed);
}

TEST(DnsQueryTest, ReadsEdns) {
  const DnsQuery query = Read({.additional = 1, .body = Question() + Opt()});
  EXPECT_TRUE(query.well_formed);
  EXPECT_TRUE(query.edns);
  const std::string cookie = "\0"s + U16(41) + U16(4096) + U32(0x8000) + U16(12) + U16(10) + U16(8) + "12345678";
  EXPECT_TRUE(Read({.additional = 1, .body = Question() + cookie}).well_formed);
  EXPECT_FALSE(Read({.additional = 1, .body = Question() + Opt(1)}).well_formed);
  EXPECT_FALSE(Read({.additional = 2, .body = Question() + Opt() + Opt()}).well_formed);
  EXPECT_FALSE(Read({.additional = 1, .body = Question()}).well_formed);
  EXPECT_FALSE(Read({.additional = 1, .body = Question() + cookie.substr(0, 20)}).well_formed);
}

TEST(DnsQueryTest, IsNoneWithoutAHeaderOrWhenItIsAnAnswer) {
  EXPECT_FALSE(ReadDnsQuery(""));
  EXPECT_FALSE(ReadDnsQuery(Message{.body = ""}.Bytes().substr(0, 11)));
  EXPECT_FALSE(ReadDnsQuery(Message{.flags = 0x8000, .body = Question()}.Bytes()));
}

TEST(DnsQueryTest, FindsNothingElseWellFormed) {
  const std::string label(63, 'a');
  const Message broken[] = {
      {.questions = 0, .body = ""},
      {.questions = 2, .body = Question() + Question()},
      {.questions = 0xffff, .body = Question()},
      {.flags = 0x0800, .body = Question()},  // inverse query
      {.flags = 0x2800, .body = Question()},  // update
      {.flags = 0x0200, .body = Question()},  // truncated
      {.answers = 1, .body = Question()},
      {.authorities = 1, .body = Question()},
      {.body = Question(kGood, kDnsA, 3)},    // CHAOS
      {.body = Question(kGood, kDnsA, 255)},  // ANY
      {.body = Question() + "x"},
      {.body = Question().substr(0, Question().size() - 1)},
      {.body = ""},
      {.body = Question(Wire({}))},  // the root
      {.body = Question("\xc0\x0c"s)},
      {.body = Question("\4good\xc0\x0c"s)},
      {.body = Question("\x40good"s)},
      {.body = Question("\x80"s)},
      {.body = Question(Wire({"a.b", "test"}))},  // a dot within a label
      {.body = Question(Wire({"good\0"s, "test"}))},
      {.body = Question(Wire({"go od", "test"}))},
      {.body = Question(Wire({"g\xc3\xb6od", "test"}))},
      {.body = Question(Wire({"-good", "test"}))},
      {.body = Question(Wire({"127", "0", "0", "1"}))},
      {.body = Question(Wire({label, label, label, label}))},  // 256 and more
      {.body = Question() + std::string(kMaxDnsMessage, '\0')},
  };
  for (const Message& message : broken) {
    EXPECT_FALSE(Read(message).well_formed) << testing::PrintToString(message.Bytes());
  }
}

TEST(DnsQueryTest, StaysInsideEveryPrefixAndEveryMutation) {
  const std::string whole = Message{.flags = 0x0100, .additional = 1, .body = Question() + Opt()}.Bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto query = ReadDnsQuery(std::string(whole, 0, size));
    EXPECT_TRUE(!query || !query->well_formed) << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = whole;
      changed[at] = static_cast<char>(value);
      const auto query = ReadDnsQuery(changed);
      if (query) ReadDnsQuery(WriteDnsAnswer(*query, {}));
    }
  }
}

TEST(DnsAnswerTest, EchoesTheQuestionAndGivesOneAddress) {
  const DnsQuery query = Read({.flags = 0x0100, .body = Question(Wire({"GooD", "test"}))});
  const std::string answer = WriteDnsAnswer(query, {.address = ParseIp("198.18.0.1")});
  EXPECT_EQ(answer, U16(kId) + U16(0x8180) + U16(1) + U16(1) + U16(0) + U16(0) + Question(Wire({"GooD", "test"})) +
                        "\xc0\x0c" + U16(1) + U16(1) + U32(60) + U16(4) + "\xc6\x12\0\1"s);
  const auto reply = ReadDnsReply(answer, kId, "good.test", kDnsA);
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->addresses, ElementsAre(*ParseIp("198.18.0.1")));
  EXPECT_EQ(reply->ttl, 60u);
}

TEST(DnsAnswerTest, GivesNoAddressOfAnotherFamilyOrWithAnError) {
  const DnsQuery aaaa = Read({.body = Question(kGood, kDnsAaaa)});
  const auto nodata =
      ReadDnsReply(WriteDnsAnswer(aaaa, {.address = ParseIp("198.18.0.1")}), kId, "good.test", kDnsAaaa);
  ASSERT_TRUE(nodata);
  EXPECT_EQ(nodata->code, DnsCode::kNoError);
  EXPECT_THAT(nodata->addresses, IsEmpty());
  const DnsQuery a = Read({.body = Question()});
  for (const DnsCode code : {DnsCode::kNxDomain, DnsCode::kServFail, DnsCode::kFormErr, DnsCode::kRefused}) {
    const auto refused =
        ReadDnsReply(WriteDnsAnswer(a, {.code = code, .address = ParseIp("198.18.0.1")}), kId, "good.test", kDnsA);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, code);
    EXPECT_THAT(refused->addresses, IsEmpty());
  }
}

TEST(DnsAnswerTest, SaysProhibitedOnlyToThoseWhoSpeakEdns) {
  const DnsAnswer no{.code = DnsCode::kNxDomain, .address = {}, .prohibited = true};
  const DnsQuery edns = Read({.additional = 1, .body = Question() + Opt()});
  const std::string opt = "\0"s + U16(41) + U16(1232) + U32(0) + U16(6) + U16(15) + U16(2) + U16(18);
  EXPECT_EQ(WriteDnsAnswer(edns, no), U16(kId) + U16(0x8083) + U16(1) + U16(0) + U16(0) + U16(1) + Question() + opt);
  EXPECT_EQ(WriteDnsAnswer(Read({.body = Question()}), no),
            U16(kId) + U16(0x8083) + U16(1) + U16(0) + U16(0) + U16(0) + Question());
}

TEST(DnsAnswerTest, AnswersWhatCouldNotBeRead) {
  const DnsQuery query = Read({.questions = 0, .body = ""});
  EXPECT_EQ(WriteDnsAnswer(query, {.code = DnsCode::kFormErr, .address = ParseIp("1.2.3.4")}),
            U16(kId) + U16(0x8081) + U16(0) + U16(0) + U16(0) + U16(0));
}

TEST(DnsUpstreamTest, AsksWhatAServerReads) {
  const auto query = ReadDnsQuery(WriteDnsQuery(kId, "good.test", kDnsAaaa));
  ASSERT_TRUE(query);
  EXPECT_TRUE(query->well_formed);
  EXPECT_TRUE(query->recursion_desired);
  EXPECT_EQ(query->name, "good.test");
  EXPECT_EQ(query->type, kDnsAaaa);
  EXPECT_EQ(WriteDnsQuery(kId, "127.0.0.1", kDnsA), "");
  EXPECT_EQ(WriteDnsQuery(kId, std::string(300, 'a'), kDnsA), "");
}

std::string Record(const std::string& owner, unsigned type, std::uint32_t ttl, const std::string& data) {
  return owner + U16(type) + U16(1) + U32(ttl) + U16(static_cast<unsigned>(data.size())) + data;
}
const std::string kAsked = "\xc0\x0c"s;  // a pointer to the question's name

std::optional<DnsReply> Reply(const std::vector<std::string>& records, unsigned flags = 0x8180) {
  Message message{.flags = flags, .answers = static_cast<unsigned>(records.size()), .body = Question()};
  for (const std::string& record : records) message.body += record;
  return ReadDnsReply(message.Bytes(), kId, "good.test", kDnsA);
}

TEST(DnsReplyTest, CollectsTheAddressesOfTheQuestion) {
  const auto reply = Reply({Record(kAsked, kDnsA, 300, "\1\2\3\4"), Record(kAsked, kDnsA, 30, "\5\6\7\x8"),
                            Record(kAsked, kDnsA, 300, "\1\2\3\4"), Record(kAsked, kDnsAaaa, 1, std::string(16, 'x')),
                            Record(kAsked, 46, 1, "signature")});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->code, DnsCode::kNoError);
  EXPECT_THAT(reply->addresses, ElementsAre(*ParseIp("1.2.3.4"), *ParseIp("5.6.7.8")));
  EXPECT_EQ(reply->ttl, 30u);
}

TEST(DnsReplyTest, AnswersOnlyTheQuestionThatWasAsked) {
  const std::string bytes =
      Message{.flags = 0x8180, .answers = 1, .body = Question() + Record(kAsked, kDnsA, 60, "\1\2\3\4")}.Bytes();
  EXPECT_TRUE(ReadDnsReply(bytes, kId, "GOOD.test.", kDnsA));
  EXPECT_FALSE(ReadDnsReply(bytes, kId + 1, "good.test", kDnsA));
  EXPECT_FALSE(ReadDnsReply(bytes, kId, "food.test", kDnsA));
  EXPECT_FALSE(ReadDnsReply(bytes, kId, "good.test", kDnsAaaa));
  EXPECT_FALSE(ReadDnsReply(Message{.flags = 0x0100, .body = Question()}.Bytes(), kId, "good.test", kDnsA));
  EXPECT_FALSE(ReadDnsReply(Message{.flags = 0xa800, .body = Question()}.Bytes(), kId, "good.test", kDnsA));
  EXPECT_FALSE(ReadDnsReply(Message{.flags = 0x8180, .questions = 0, .body = ""}.Bytes(), kId, "good.test", kDnsA));
  EXPECT_FALSE(ReadDnsReply(Message{.flags = 0x8180, .questions = 2, .body = Question() + Question()}.Bytes(), kId,
                            "good.test", kDnsA));
  EXPECT_FALSE(
      ReadDnsReply(Message{.flags = 0x8180, .body = Question(kGood, kDnsA, 3)}.Bytes(), kId, "good.test", kDnsA));
}

TEST(DnsReplyTest, SaysWhyThereIsNothing) {
  EXPECT_EQ(Reply({}, 0x8183)->code, DnsCode::kNxDomain);
  EXPECT_EQ(Reply({}, 0x8182)->code, DnsCode::kServFail);
  EXPECT_EQ(Reply({}, 0x8185)->code, DnsCode::kRefused);
  EXPECT_EQ(Reply({}, 0x8184)->code, DnsCode::kServFail);
  EXPECT_EQ(Reply({})->code, DnsCode::kNoError);
  EXPECT_THAT(Reply({})->addresses, IsEmpty());
  const auto truncated = Reply({Record(kAsked, kDnsA, 60, "\1\2\3\4")}, 0x8380);
  EXPECT_TRUE(truncated->truncated);
  EXPECT_THAT(truncated->addresses, IsEmpty());
}

TEST(DnsReplyTest, FollowsTheChainInAnyOrder) {
  const std::string a = Wire({"a", "cdn", "test"});
  const std::string b = Wire({"b", "cdn", "test"});
  const std::vector<std::string> chain = {Record(kAsked, kCname, 20, a),
                                          Record(Wire({"A", "CDN", "test"}), kCname, 50, b),
                                          Record(b, kDnsA, 40, "\1\2\3\4")};
  for (const auto& order : {std::vector{chain[0], chain[1], chain[2]}, std::vector{chain[2], chain[1], chain[0]}}) {
    const auto reply = Reply(order);
    ASSERT_TRUE(reply);
    EXPECT_THAT(reply->addresses, ElementsAre(*ParseIp("1.2.3.4")));
    EXPECT_EQ(reply->ttl, 20u);
  }
}

TEST(DnsReplyTest, IgnoresWhatTheChainDoesNotLeadTo) {
  const std::string other = Wire({"other", "test"});
  const auto stray = Reply({Record(other, kDnsA, 60, "\6\6\6\6"), Record(kAsked, kDnsA, 60, "\1\2\3\4")});
  EXPECT_THAT(stray->addresses, ElementsAre(*ParseIp("1.2.3.4")));
  EXPECT_THAT(Reply({Record(other, kDnsA, 60, "\6\6\6\6")})->addresses, IsEmpty());
  // "good.test" in one label is another name.
  EXPECT_THAT(Reply({Record(Wire({"good.test"}), kDnsA, 60, "\6\6\6\6")})->addresses, IsEmpty());
  // An alias hides the addresses beside it, and of two aliases the first counts.
  const auto beside =
      Reply({Record(kAsked, kCname, 60, other), Record(kAsked, kCname, 60, Wire({"third", "test"})),
             Record(kAsked, kDnsA, 60, "\6\6\6\6"), Record(Wire({"third", "test"}), kDnsA, 60, "\7\7\7\7"),
             Record(other, kDnsA, 60, "\1\2\3\4")});
  EXPECT_THAT(beside->addresses, ElementsAre(*ParseIp("1.2.3.4")));
}

TEST(DnsReplyTest, EndsInLoopsAndLongChains) {
  EXPECT_EQ(Reply({Record(kAsked, kCname, 60, kAsked)})->code, DnsCode::kServFail);
  const std::string a = Wire({"a"});
  EXPECT_EQ(Reply({Record(kAsked, kCname, 60, a), Record(a, kCname, 60, kAsked)})->code, DnsCode::kServFail);
  std::vector<std::string> chain = {Record(kAsked, kCname, 60, Wire({"n0"}))};
  for (int i = 0; i < 20; ++i) {
    chain.push_back(Record(Wire({"n" + std::to_string(i)}), kCname, 60, Wire({"n" + std::to_string(i + 1)})));
  }
  EXPECT_EQ(Reply(chain)->code, DnsCode::kServFail);
}

TEST(DnsReplyTest, TakesPointersOnlyBackwards) {
  const std::string self = U16(0xc000 | static_cast<unsigned>(12 + Question().size()));
  const std::string forward = U16(0xc000 | static_cast<unsigned>(12 + Question().size() + 20));
  for (const std::string& owner : {self, forward, "\xc0\x00"s, "\xff\xff"s, "\xc0"s, "\1a"s + self}) {
    EXPECT_FALSE(Reply({Record(owner, kDnsA, 60, "\1\2\3\4"), Record(kAsked, kDnsA, 60, "\1\2\3\4")}))
        << testing::PrintToString(owner);
  }
  // Into the middle of the question's name is backwards: "test".
  EXPECT_THAT(Reply({Record("\4good\xc0\x11"s, kDnsA, 60, "\1\2\3\4")})->addresses, SizeIs(1));
}

TEST(DnsReplyTest, RefusesBrokenRecords) {
  EXPECT_FALSE(Reply({Record(kAsked, kDnsA, 60, "\1\2\3")}));
  EXPECT_FALSE(Reply({Record(kAsked, kDnsA, 60, "\1\2\3\4\5")}));
  EXPECT_FALSE(Reply({Record(kAsked, kCname, 60, kAsked + "x")}));
  EXPECT_FALSE(Reply({Record(kAsked, kCname, 60, "\4good")}));
  EXPECT_FALSE(Reply({Record(kAsked, kCname, 60, "")}));
  EXPECT_FALSE(Reply({kAsked + U16(1) + U16(1) + U32(60) + U16(400) + "\1\2\3\4"}));
  EXPECT_FALSE(ReadDnsReply(
      Message{.flags = 0x8180, .answers = 2, .body = Question() + Record(kAsked, 1, 6, "\1\2\3\4")}.Bytes(), kId,
      "good.test", kDnsA));
  EXPECT_FALSE(ReadDnsReply(Message{.flags = 0x8180, .body = Question()}.Bytes() + std::string(kMaxDnsMessage, '\0'),
                            kId, "good.test", kDnsA));
}

TEST(DnsReplyTest, ReadsAnAbsurdLifetimeAsNone) {
  EXPECT_EQ(Reply({Record(kAsked, kDnsA, 0xffffffff, "\1\2\3\4")})->ttl, 0u);
  EXPECT_EQ(Reply({Record(kAsked, kDnsA, 0x7fffffff, "\1\2\3\4")})->ttl, 0x7fffffffu);
}

TEST(DnsReplyTest, SurvivesNoise) {
  std::mt19937 random(1);
  const std::string a = Wire({"a", "cdn", "test"});
  Message message{.flags = 0x8180, .answers = 2, .body = Question() + Record(kAsked, kCname, 20, a)};
  message.body += Record("\1a\3cdn\xc0\x11"s, kDnsA, 40, "\1\2\3\4");
  const std::string whole = message.Bytes();
  ASSERT_THAT(ReadDnsReply(whole, kId, "good.test", kDnsA)->addresses, SizeIs(1));
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = whole.substr(0, random() % 8 == 0 ? random() % whole.size() : whole.size());
    for (unsigned n = random() % 4; n > 0 && !changed.empty(); --n) {
      changed[random() % changed.size()] = static_cast<char>(random());
    }
    const auto reply = ReadDnsReply(changed, kId, "good.test", kDnsA);
    EXPECT_LE(reply ? reply->addresses.size() : 0, 1u);
  }
}

}  // namespace
}  // namespace rune::sandbox
