/// Who says two hellos: what the server's answer makes of the second, at every cut of the bytes.
#include "sandbox/network/tls_hellos.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/unit/network/client_hello.h"

namespace rune::sandbox {
namespace {

using namespace std::string_literals;
using State = TlsHellos::State;
using test::ClientHello;
using ::testing::HasSubstr;

std::string Record(int type, const std::string& body) {
  return std::string{static_cast<char>(type), 3, 3, static_cast<char>(body.size() >> 8),
                     static_cast<char>(body.size())} +
         body;
}
/// A ServerHello with this random (RFC 8446 4.1.3), cut after its session id.
std::string ServerHello(const std::string& random) {
  const std::string body = "\3\3" + random + "\0"s;
  return "\2\0\0"s + static_cast<char>(body.size()) + body;
}
const std::string kRetryRandom =
    "\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91"
    "\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C"s;
const std::string kRetry = Record(22, ServerHello(kRetryRandom));
const std::string kHello = Record(22, ServerHello(std::string(32, 'r')));
const std::string kChange = Record(20, "\1");
const std::string kEarly = Record(23, std::string(300, 'e'));
const std::string kSame = ClientHello({"good.test"});
const std::string kOther = ClientHello({"evil.test"});

struct Outcome {
  State state = State::kReading;
  std::string passed;
  std::string reason;
};

/// Before the answer, the answer, after it; each in pieces of at most `piece` bytes.
Outcome Talk(const std::string& before, const std::string& answer, const std::string& after, std::size_t piece) {
  TlsHellos hellos("good.test");
  const auto cut = [&](const std::string& bytes, const auto& feed) {
    for (std::size_t at = 0; at < bytes.size(); at += piece) feed(std::string_view(bytes).substr(at, piece));
  };
  cut(before, [&](std::string_view bytes) { hellos.FeedClient(bytes); });
  cut(answer, [&](std::string_view bytes) { hellos.FeedServer(bytes); });
  cut(after, [&](std::string_view bytes) { hellos.FeedClient(bytes); });
  return {hellos.state(), hellos.TakePassed(), hellos.reason()};
}

void ExpectTalk(const std::string& before, const std::string& answer, const std::string& after, State state,
                const std::string& passed, const std::string& reason = "") {
  for (const std::size_t piece : {1u, 2u, 7u, 44u, 100'000u}) {
    const Outcome outcome = Talk(before, answer, after, piece);
    EXPECT_EQ(outcome.state, state) << piece << outcome.reason;
    EXPECT_EQ(outcome.passed, passed) << piece;
    EXPECT_THAT(outcome.reason, HasSubstr(reason)) << piece;
  }
}

TEST(TlsHellosTest, AreOverWithTheServersHello) {
  ExpectTalk("", kHello, "whatever", State::kOver, "whatever");
  ExpectTalk(kChange + kEarly, kHello, "whatever", State::kOver, kChange + kEarly + "whatever");
  ExpectTalk("", Record(21, "\1\x70") + kHello, "whatever", State::kOver, "whatever");
  ExpectTalk("",
             Record(22, ServerHello(std::string(32, 'r')).substr(0, 9)) +
                 Record(22, ServerHello(std::string(32, 'r')).substr(9)),
             "x", State::kOver, "x");
}

TEST(TlsHellosTest, PassASecondOneThatNamesTheSameServer) {
  ExpectTalk("", kRetry, kChange + kSame + "whatever", State::kOver, kChange + kSame + "whatever");
  ExpectTalk(kEarly, kRetry, kSame, State::kOver, kEarly + kSame);
  ExpectTalk("", kRetry, kChange, State::kReading, kChange);
}

TEST(TlsHellosTest, RefuseASecondOneThatNamesAnother) {
  ExpectTalk("", kRetry, kOther, State::kRefused, "", "evil.test");
  ExpectTalk("", kRetry, kChange + kOther, State::kRefused, kChange, "evil.test");
  ExpectTalk("", kRetry, kEarly + kOther, State::kRefused, kEarly, "evil.test");
  ExpectTalk("", kRetry, ClientHello(), State::kRefused, "", "no server name");
  ExpectTalk("", kRetry, ClientHello({"good.test", "evil.test"}), State::kRefused, "", "breaks the rules");
  const std::string random = ServerHello(kRetryRandom);
  ExpectTalk("", Record(22, random.substr(0, 20)) + Record(22, random.substr(20)), kOther, State::kRefused, "",
             "evil.test");
  ExpectTalk("", Record(20, "\1") + kRetry, kOther, State::kRefused, "", "evil.test");
  ExpectTalk("", Record(21, "\1\x70") + kRetry, kOther, State::kRefused, "", "evil.test");
}

TEST(TlsHellosTest, RefuseOneThatDoesNotWaitForTheAnswer) {
  ExpectTalk(kOther, "", "", State::kRefused, "", "evil.test");
  ExpectTalk(kEarly + kOther, "", "", State::kRefused, kEarly, "evil.test");
  ExpectTalk(kSame, kRetry, kOther, State::kRefused, kSame, "evil.test");
  ExpectTalk(Record(22, "\x10\0\0\1x"s), "", "", State::kRefused, "", "breaks the rules");
  ExpectTalk("GET / HTTP/1.1\r\n", "", "", State::kRefused, "", "no record of TLS");
  ExpectTalk("\x17\3\3\xff\xff"s, "", "", State::kRefused, "", "too large");
}

TEST(TlsHellosTest, KeepWhatIsNotWholeUntilTheyAreOver) {
  const std::string part = kEarly.substr(0, 100);
  ExpectTalk(part, "", "", State::kReading, "");
  ExpectTalk(part, kHello, "", State::kOver, part);
  ExpectTalk(kOther.substr(0, 90), kHello, "", State::kOver, kOther.substr(0, 90));
}

}  // namespace
}  // namespace rune::sandbox
