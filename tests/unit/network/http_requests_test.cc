#include "sandbox/network/http_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace rune::sandbox {
namespace {

using namespace std::string_literals;
using State = HttpRequests::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kHost = "Host: good.test\r\n";
const std::string kPlain = "GET / HTTP/1.1\r\n" + kHost + "\r\n";

/// What came of feeding `bytes` in pieces of the given sizes, then the rest.
struct Outcome {
  State state = State::kReading;
  std::string passed;
  std::string reason;
  std::vector<std::string> asked;
  bool operator==(const Outcome&) const = default;
};

Outcome Feed(const std::string& bytes, const std::function<std::size_t()>& piece) {
  Outcome out;
  HttpRequests requests([&](const std::string& host, std::uint16_t port) {
    out.asked.push_back(host + (port == 0 ? "" : " " + std::to_string(port)));
    return host == "good.test" || host == "also.test" || host == "192.0.2.1" || host == "2001:db8::1";
  });
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min(piece(), bytes.size() - at);
    out.state = requests.Feed(std::string_view(bytes).substr(at, size));
    out.passed += requests.TakePassed();
    at += size;
  }
  out.reason = requests.reason();
  EXPECT_EQ(out.state == State::kRefused, !out.reason.empty());
  EXPECT_TRUE(bytes.starts_with(out.passed));
  return out;
}

/// Whole, and the same byte by byte and in random pieces.
Outcome FeedAllWays(const std::string& bytes) {
  const Outcome whole = Feed(bytes, [&] { return bytes.size(); });
  EXPECT_EQ(Feed(bytes, [] { return 1; }).passed, whole.passed) << bytes;
  std::mt19937 random(7);
  for (int i = 0; i < 20; ++i) {
    const Outcome split = Feed(bytes, [&] { return 1 + random() % 9; });
    EXPECT_EQ(split.state, whole.state) << bytes;
    EXPECT_EQ(split.passed, whole.passed) << bytes;
    EXPECT_EQ(split.reason, whole.reason) << bytes;
    EXPECT_EQ(split.asked, whole.asked) << bytes;
  }
  return whole;
}

void ExpectPasses(const std::string& bytes) {
  const Outcome outcome = FeedAllWays(bytes);
  EXPECT_EQ(outcome.state, State::kReading) << bytes << outcome.reason;
  EXPECT_EQ(outcome.passed, bytes);
}

void ExpectRefused(const std::string& bytes, const std::string& why) {
  const Outcome outcome = FeedAllWays(bytes);
  EXPECT_EQ(outcome.state, State::kRefused) << testing::PrintToString(bytes);
  EXPECT_THAT(outcome.reason, HasSubstr(why)) << testing::PrintToString(bytes);
  EXPECT_THAT(outcome.passed, IsEmpty()) << testing::PrintToString(bytes);
  // The same behind a request that is in order: only that one passes.
  const Outcome second = FeedAllWays(kPlain + bytes);
  EXPECT_EQ(second.state, State::kRefused) << testing::PrintToString(bytes);
  EXPECT_EQ(second.passed, kPlain) << testing::PrintToString(bytes);
}

std::string Get(const std::string& headers) { return "GET / HTTP/1.1\r\n" + headers + "\r\n"; }
std::string Post(const std::string& headers) { return "POST / HTTP/1.1\r\n" + kHost + headers + "\r\n"; }

TEST(HttpRequestsTest, PassesAWholeAllowedHead) {
  ExpectPasses(kPlain);
  ExpectPasses("GET /a?b=c&d=%20 HTTP/1.0\r\n" + kHost + "\r\n");
  ExpectPasses("OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n");
  ExpectPasses("HEAD //x/../y HTTP/1.1\r\nhOsT:\t good.test \t\r\nX-Long: a b\tc \xc3\xbc\r\nEmpty:\r\n\r\n");
  ExpectPasses("M-SEARCH /\xc3\xbc HTTP/1.1\r\n" + kHost + "\r\n");
}

TEST(HttpRequestsTest, HoldsAHeadBackUntilItIsWhole) {
  const Outcome outcome = FeedAllWays(kPlain.substr(0, kPlain.size() - 1));
  EXPECT_EQ(outcome.state, State::kReading);
  EXPECT_THAT(outcome.passed, IsEmpty());
  EXPECT_THAT(outcome.asked, IsEmpty());
}

TEST(HttpRequestsTest, AsksForTheHostInOneSpelling) {
  EXPECT_THAT(FeedAllWays(Get("Host: GOOD.test.\r\n")).asked, ElementsAre("good.test"));
  EXPECT_THAT(FeedAllWays(Get("Host: good.test:8080\r\n")).asked, ElementsAre("good.test 8080"));
  EXPECT_THAT(FeedAllWays(Get("Host: 192.0.2.1:80\r\n")).asked, ElementsAre("192.0.2.1 80"));
  EXPECT_THAT(FeedAllWays(Get("Host: [2001:DB8:0::1]:81\r\n")).asked, ElementsAre("2001:db8::1 81"));
}

TEST(HttpRequestsTest, RefusesAHostThatIsNotAllowed) {
  ExpectRefused(Get("Host: evil.test\r\n"), "evil.test is not allowed");
  ExpectRefused(Get("Host: evil.test:8080\r\n"), "evil.test:8080 is not allowed");
}

TEST(HttpRequestsTest, LooksAtEveryRequestOfAConnection) {
  const std::string also = Get("Host: also.test\r\n");
  const Outcome pipelined = FeedAllWays(kPlain + also + kPlain);
  EXPECT_EQ(pipelined.state, State::kReading);
  EXPECT_EQ(pipelined.passed, kPlain + also + kPlain);
  EXPECT_THAT(pipelined.asked, ElementsAre("good.test", "also.test", "good.test"));

  const Outcome second = FeedAllWays(kPlain + Get("Host: evil.test\r\n") + kPlain);
  EXPECT_EQ(second.state, State::kRefused);
  EXPECT_EQ(second.passed, kPlain);
  EXPECT_THAT(second.asked, ElementsAre("good.test", "evil.test"));
}

TEST(HttpRequestsTest, KnowsWhereABodyOfKnownLengthEnds) {
  const std::string evil = Get("Host: evil.test\r\n");
  const std::string post = Post("Content-Length: " + std::to_string(evil.size()) + "\r\n") + evil;
  ExpectPasses(post + kPlain);
  const Outcome hidden = FeedAllWays(Post("Content-Length: 5\r\n") + "hello" + evil);
  EXPECT_EQ(hidden.state, State::kRefused);
  EXPECT_THAT(hidden.passed, testing::EndsWith("hello"));
  ExpectPasses(Post("Content-Length: 0\r\n") + kPlain);
  ExpectPasses(Post("Content-Length: 3\r\n") + "\r\0\n"s + kPlain);
  // Bytes of a body go on as they come.
  EXPECT_EQ(FeedAllWays(Post("Content-Length: 100\r\n") + "half").passed, Post("Content-Length: 100\r\n") + "half");
  ExpectPasses(Post("Content-Length: 9223372036854775807\r\n") + "half");
}

TEST(HttpRequestsTest, LetsTheBodyWaitForAGoAhead) {
  const std::string head = Post("Expect: 100-continue\r\nContent-Length: 4\r\n");
  EXPECT_EQ(FeedAllWays(head).passed, head);
  ExpectPasses(head + "body" + kPlain);
}

TEST(HttpRequestsTest, KnowsWhereAChunkedBodyEnds) {
  const std::string head = Post("Transfer-Encoding: Chunked\r\n");
  ExpectPasses(head + "5\r\nhello\r\n0\r\n\r\n" + kPlain);
  ExpectPasses(head + "00a;name=\"v\"\r\n0\r\n\r\n0\r\n\r\n\r\n1F\r\n" + std::string(31, '\0') + "\r\n0\r\n\r\n" +
               kPlain);
  ExpectPasses(head + "0\r\nX-Sum: 1\r\nExpires: never\r\n\r\n" + kPlain);
  const Outcome hidden = FeedAllWays(head + "0\r\n\r\n" + Get("Host: evil.test\r\n"));
  EXPECT_EQ(hidden.state, State::kRefused);
  EXPECT_EQ(hidden.passed, head + "0\r\n\r\n");
}

TEST(HttpRequestsTest, RefusesChunksThatCanBeReadTwoWays) {
  const std::string head = Post("Transfer-Encoding: chunked\r\n");
  for (const std::string& body :
       {"5\nhello\r\n0\r\n\r\n"s, "5\rhello"s, "\r\n"s, "0x5\r\nhello"s, "+5\r\n"s, "-1\r\n"s, "5 \r\n"s, " 5\r\n"s,
        "5 ;x\r\n"s, "g\r\n"s, ";x\r\n"s, "1000000000000000\r\n"s, "ffffffffffffffffff\r\n"s, "5;a\nb\r\n"s,
        "5;\0\r\n"s, "5;" + std::string(70'000, 'x') + "\r\n"}) {
    const Outcome outcome = FeedAllWays(head + body);
    EXPECT_EQ(outcome.state, State::kRefused) << testing::PrintToString(body);
    EXPECT_EQ(outcome.passed, head);
  }
  for (const std::string& end : {"x\r\n"s, "\n"s, "\r\r\n"s, "0\r\n\r\n"s}) {
    EXPECT_EQ(FeedAllWays(head + "5\r\nhello" + end).state, State::kRefused) << testing::PrintToString(end);
    EXPECT_EQ(FeedAllWays(head + "5\r\nhello" + end).passed, head + "5\r\nhello");
  }
  for (const std::string& trailer :
       {"Host: evil.test\r\n"s, "Content-Length: 5\r\n"s, "Transfer-Encoding: chunked\r\n"s, " folded\r\n"s, "x\r\n"s,
        "x : y\r\n"s, "x: y\n\r\n"s, "\n"s, "x: \0\r\n"s}) {
    EXPECT_EQ(FeedAllWays(head + "0\r\n" + trailer + "\r\n").state, State::kRefused) << testing::PrintToString(trailer);
  }
  std::string many = head + "0\r\n";
  for (int i = 0; i < 7'000; ++i) many += "X-T: 12345\r\n";
  EXPECT_EQ(Feed(many, [&] { return many.size(); }).state, State::kRefused);
}

TEST(HttpRequestsTest, TakesAnAbsoluteTargetOnlyWithItsHost) {
  ExpectPasses("GET http://good.test/x HTTP/1.1\r\n" + kHost + "\r\n");
  ExpectPasses("GET HTTP://GOOD.test?x HTTP/1.1\r\n" + kHost + "\r\n");
  ExpectPasses("GET http://good.test:80 HTTP/1.1\r\n" + kHost + "\r\n");
  ExpectPasses("GET http://good.test:8080/ HTTP/1.1\r\nHost: good.test:8080\r\n\r\n");
  for (const std::string target :
       {"http://evil.test/", "http://also.test/", "http://good.test:8080/", "http://good.test@evil.test/", "http://",
        "http:///", "http://good.test\\@evil.test/", "http://good.test:/"}) {
    ExpectRefused("GET " + target + " HTTP/1.1\r\n" + kHost + "\r\n", "differs from the request target");
  }
  for (const std::string target : {"https://good.test/", "ftp://good.test/", "good.test", "good.test:80", "*", "?x",
                                   "\\\\evil.test/", "http:/good.test/"}) {
    ExpectRefused("GET " + target + " HTTP/1.1\r\n" + kHost + "\r\n", "a malformed request target");
  }
}

TEST(HttpRequestsTest, RefusesHostsThatCanBeReadTwoWays) {
  ExpectRefused(Get("Accept: */*\r\n"), "no Host");
  ExpectRefused("GET / HTTP/1.0\r\n\r\n", "no Host");
  ExpectRefused(Get(kHost + "host: evil.test\r\n"), "several Host");
  ExpectRefused(Get(kHost + kHost), "several Host");
  for (const std::string host : {"",
                                 "good.test,evil.test",
                                 "good.test evil.test",
                                 "evil.test/good.test",
                                 "x@good.test",
                                 "good.test:",
                                 "good.test:0",
                                 "good.test:080",
                                 "good.test:65536",
                                 "good.test:80:80",
                                 "good.test:+80",
                                 "[::1",
                                 "[good.test]",
                                 "[::1]good.test",
                                 "127.1",
                                 "0x7f000001",
                                 "good..test",
                                 "good.test..",
                                 "http://good.test",
                                 "g\xc3\xb6od.test",
                                 "good.test%00",
                                 "good.test#"}) {
    ExpectRefused(Get("Host: " + host + "\r\n"), "a malformed Host");
  }
}

TEST(HttpRequestsTest, RefusesHeadersThatCanBeReadTwoWays) {
  ExpectRefused(Get(kHost + " folded: x\r\n"), "folded");
  ExpectRefused(Get(kHost + "X: y\r\n\tfolded\r\n"), "folded");
  ExpectRefused(Get(" " + kHost), "folded");
  for (const std::string& line :
       {"Host : evil.test"s, "Host\t: evil.test"s, ": x"s, "no colon"s, "X Y: z"s, "X\xff: y"s, "(X): y"s, "Host"s}) {
    ExpectRefused(Get(kHost + line + "\r\n"), "a malformed header line");
  }
  for (const std::string& line :
       {"X: a\nHost: evil.test"s, "X: a\rHost: evil.test"s, "X: \0"s, "X: \x0b"s, "X: \x7f"s, "X: a\r\r"s, "\r"s}) {
    ExpectRefused(Get(kHost + line + "\r\n"), "a control character or a bare line end");
  }
  ExpectRefused("GET / HTTP/1.1\nHost: good.test\n\n", "a control character or a bare line end");
  ExpectRefused("GET / HTTP/1.1\r\n" + kHost + "\n", "a control character or a bare line end");
  ExpectRefused("GET / HTTP/1.1\r\r\n" + kHost + "\r\n", "a control character or a bare line end");
}

TEST(HttpRequestsTest, RefusesLengthsThatCanBeReadTwoWays) {
  ExpectRefused(Post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "both");
  ExpectRefused(Post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "both");
  ExpectRefused(Post("Content-Length: 5\r\nContent-Length: 5\r\n"), "several Content-Length");
  ExpectRefused(Post("Content-Length: 5\r\nContent-Length: 6\r\n"), "several Content-Length");
  for (const std::string length : {"", "5, 5", "5,6", "+5", "-5", "0x5", "5 5", "5;", "9223372036854775808",
                                   "99999999999999999999999", "five", "5.0"}) {
    ExpectRefused(Post("Content-Length: " + length + "\r\n"), "a malformed Content-Length");
  }
  ExpectRefused(Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "several Transfer-Encoding");
  for (const std::string coding : {"", "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity",
                                   "xchunked", "\"chunked\"", "chunked;x", ",chunked"}) {
    ExpectRefused(Post("Transfer-Encoding: " + coding + "\r\n"), "an unknown Transfer-Encoding");
  }
  ExpectRefused("POST / HTTP/1.0\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n", "an unknown Transfer-Encoding");
}

TEST(HttpRequestsTest, RefusesOddRequestLines) {
  for (const std::string line : {"GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET / x HTTP/1.1",
                                 "GET\t/ HTTP/1.1", "GET / \tHTTP/1.1", "G\tT / HTTP/1.1", "GET HTTP/1.1"}) {
    ExpectRefused(line + "\r\n" + kHost + "\r\n", "a malformed request line");
  }
  for (const std::string version :
       {"http/1.1", "HTTP/1.2", "HTTP/3", "HTTP/1.1x", "HTTP/01.1", "HTTP/0.9", "XHTTP/1.1"}) {
    ExpectRefused("GET / " + version + "\r\n" + kHost + "\r\n", "an unknown version");
  }
  ExpectRefused("\r\n" + kPlain, "a malformed request line");
  ExpectRefused("\r\n\r\n" + kPlain, "a malformed request line");
  ExpectRefused("\n" + kPlain, "a bare line end");
}

TEST(HttpRequestsTest, RefusesOtherProtocolsInDisguise) {
  ExpectRefused("CONNECT good.test:443 HTTP/1.1\r\n" + kHost + "\r\n", "CONNECT");
  ExpectRefused("connect good.test:443 HTTP/1.1\r\n" + kHost + "\r\n", "CONNECT");
  ExpectRefused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2");
  ExpectRefused(Get(kHost + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
                "HTTP/2");
  ExpectRefused(Get(kHost + "Upgrade: H2C\r\n"), "HTTP/2");
  ExpectRefused(Get(kHost + "Upgrade: websocket\r\nUpgrade: x, h2c\r\n"), "HTTP/2");
  ExpectRefused(Get(kHost + "HTTP2-Settings: AAMAAABk\r\n"), "HTTP/2");
}

TEST(HttpRequestsTest, RefusesAHeadWithoutAnEnd) {
  std::string line = Get(kHost + "X: " + std::string(80'000, 'x') + "\r\n");
  EXPECT_EQ(Feed(line, [&] { return line.size(); }).reason, "a head of more than 64 KiB");
  EXPECT_EQ(Feed(line, [] { return 1000; }).reason, "a head of more than 64 KiB");
  EXPECT_EQ(Feed(std::string(80'000, 'G'), [] { return 1000; }).state, State::kRefused);
  EXPECT_EQ(Feed(std::string(80'000, '\n'), [] { return 1000; }).state, State::kRefused);
  ExpectPasses(Get(kHost + "X: " + std::string(60'000, 'x') + "\r\n"));
}

TEST(HttpRequestsTest, TellsWhatIsNoHttp) {
  for (const std::string& bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n"s, "EHLO me\r\n"s, "*1\r\n$4\r\nPING\r\n"s, "\0\0\0\x08\x04\xd2\x16\x2f"s,
        "{\"a\":1}"s, "QUIT\n"s, "get key\r\n"s, "\x16\3\1"s, "\xff\xff"s, "\n\1\2"s, "GET /\r\n"s}) {
    const Outcome outcome = FeedAllWays(bytes);
    EXPECT_EQ(outcome.state, State::kNotHttp) << testing::PrintToString(bytes);
    EXPECT_THAT(outcome.passed, IsEmpty());
  }
  EXPECT_EQ(FeedAllWays("SSH-2.0-OpenS").state, State::kReading);
  EXPECT_EQ(FeedAllWays("\r\n \t").state, State::kReading);
  // Later in a connection there is no way back.
  EXPECT_EQ(FeedAllWays(kPlain + "EHLO me\r\n\r\n").state, State::kRefused);
  EXPECT_EQ(FeedAllWays(kPlain + "\x16\3\1"s).state, State::kRefused);
}

/// What passes of `bytes` and then `more`, with an answer of the server in between.
Outcome FeedAround(const std::string& bytes, const std::string& answer, const std::string& more) {
  Outcome out;
  HttpRequests requests([&](const std::string& host, std::uint16_t) { return host == "good.test"; });
  requests.Feed(bytes);
  for (const char byte : answer) requests.HearServer({&byte, 1});
  out.state = requests.Feed(more);
  out.passed = requests.TakePassed();
  out.reason = requests.reason();
  return out;
}

TEST(HttpRequestsTest, OpensATunnelWhenTheServerSwitchesToWebsocket) {
  const std::string upgrade = Get(kHost + "Connection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n");
  const std::string frame = "\x81\x85mask\1\2\3\4\5\r\n\0"s;
  const std::string yes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
  ExpectPasses(upgrade);
  for (const std::string& before : {""s, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"s}) {
    const Outcome tunnel = FeedAround(upgrade, before + yes, frame + Get("Host: evil.test\r\n"));
    EXPECT_EQ(tunnel.state, State::kTunnel);
    EXPECT_EQ(tunnel.passed, upgrade + frame + Get("Host: evil.test\r\n"));
    // What came too early waits for it.
    EXPECT_EQ(FeedAround(upgrade + frame, before + yes, "").passed, upgrade + frame);
  }
  const Outcome waiting = FeedAllWays(upgrade + frame);
  EXPECT_EQ(waiting.state, State::kReading);
  EXPECT_EQ(waiting.passed, upgrade);
  EXPECT_THAT(FeedAround(upgrade, "", std::string(70'000, 'x')).reason, HasSubstr("64 KiB"));
}

TEST(HttpRequestsTest, ReadsOnWhereTheServerDeclinesTheUpgrade) {
  const std::string upgrade = Get(kHost + "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  const std::string frame = "\x81\x85mask\r\n\r\n";
  for (const std::string& no : {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"s, "HTTP/1.0 101 Odd\r\n\r\n"s,
                                "HTTP/1.1 426 Upgrade Required\r\n\r\n"s, "nonsense\r\n\r\n"s}) {
    EXPECT_EQ(FeedAround(upgrade, no, kPlain + kPlain).passed, upgrade + kPlain + kPlain) << no;
    EXPECT_EQ(FeedAround(upgrade + kPlain, no, kPlain).passed, upgrade + kPlain + kPlain) << no;
    const Outcome smuggled = FeedAround(upgrade, no, Get("Host: evil.test\r\n"));
    EXPECT_EQ(smuggled.state, State::kRefused) << no;
    EXPECT_EQ(smuggled.passed, upgrade) << no;
    EXPECT_EQ(FeedAround(upgrade, no, frame).state, State::kRefused) << no;
    EXPECT_EQ(FeedAround(upgrade + frame, no, "").state, State::kRefused) << no;
  }
  const std::string yes = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
  // Who has asked for something else before could have had any answer.
  EXPECT_EQ(FeedAround(kPlain + upgrade, yes, frame).state, State::kRefused);
  EXPECT_EQ(FeedAround(Get(kHost + "Upgrade: other\r\n"), yes, frame).state, State::kRefused);
}

TEST(HttpRequestsTest, DoesNotDependOnHowBytesAreCut) {
  const std::vector<std::string> parts = {kPlain,
                                          Post("Content-Length: 7\r\n"),
                                          "1234567",
                                          Post("Transfer-Encoding: chunked\r\n"),
                                          "3\r\nabc\r\n",
                                          "0\r\n",
                                          "\r\n",
                                          "X: y\r\n",
                                          Get("Host: evil.test\r\n"),
                                          "\x81\x85",
                                          "\r",
                                          "\n",
                                          "\0"s,
                                          " ",
                                          "G",
                                          Get(kHost + "Upgrade: websocket\r\n"),
                                          "http://",
                                          "HTTP/1.1",
                                          ":"};
  std::mt19937 random(3);
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes = round % 4 == 0 ? "" : kPlain;
    for (unsigned n = random() % 8; n > 0; --n) bytes += parts[random() % parts.size()];
    const Outcome whole = Feed(bytes, [&] { return bytes.size(); });
    EXPECT_EQ(Feed(bytes, [] { return 1; }), whole) << testing::PrintToString(bytes);
    EXPECT_EQ(Feed(bytes, [&] { return 1 + random() % 40; }), whole) << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace rune::sandbox
