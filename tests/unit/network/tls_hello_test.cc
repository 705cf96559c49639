#include "sandbox/network/tls_hello.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <vector>

namespace rune::sandbox {
namespace {

using namespace std::string_literals;
using State = TlsHello::State;

std::string Number(std::size_t value, int size) {
  std::string out;
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
  return out;
}
std::string Vector(const std::string& bytes, int length_size) { return Number(bytes.size(), length_size) + bytes; }

std::string Extension(unsigned type, const std::string& data) { return Number(type, 2) + Vector(data, 2); }
std::string NameEntry(const std::string& name, unsigned type = 0) { return Number(type, 1) + Vector(name, 2); }
std::string ServerName(const std::string& name) { return Extension(0, Vector(NameEntry(name), 2)); }

struct Hello {
  std::string version = "\3\3";
  std::string session = std::string(32, 's');
  std::string suites = "\x13\x01\x13\x02";
  std::string compressions = "\0"s;
  std::optional<std::string> extensions = ServerName("good.test");

  std::string Body() const {
    return version + std::string(32, 'r') + Vector(session, 1) + Vector(suites, 2) + Vector(compressions, 1) +
           (extensions ? Vector(*extensions, 2) : "");
  }
  std::string Handshake() const { return "\1" + Vector(Body(), 3); }
};

std::string Record(const std::string& fragment, char type = 22, const std::string& version = "\3\1") {
  return type + version + Vector(fragment, 2);
}
std::string Whole(const Hello& hello) { return Record(hello.Handshake()); }

State StateOf(const std::string& bytes) { return ReadTlsHello(bytes).state; }
TlsHello With(const std::string& extensions) { return ReadTlsHello(Whole({.extensions = extensions})); }

TEST(TlsHelloTest, FindsTheServerName) {
  const TlsHello hello = ReadTlsHello(Whole({}));
  EXPECT_EQ(hello.state, State::kName);
  EXPECT_EQ(hello.name, "good.test");
  EXPECT_EQ(With(ServerName("GOOD.Test")).name, "good.test");
  EXPECT_EQ(ReadTlsHello(Whole({.version = "\3\1", .session = ""})).name, "good.test");
}

TEST(TlsHelloTest, FindsItAmongGreasePaddingAndAnEncryptedHello) {
  const std::string inner = "\0\0\1\0\1\x20"s + std::string(32, 'k') + Vector(ServerName("secret.test"), 2);
  EXPECT_EQ(With(Extension(0x0a0a, "") + ServerName("outer.test") + Extension(0xfe0d, inner) +
                 Extension(0x3a3a, "\0"s) + Extension(21, std::string(300, '\0')))
                .name,
            "outer.test");
  EXPECT_EQ(With(Extension(0xfe0d, inner)).state, State::kNoName);
}

TEST(TlsHelloTest, SaysWhenThereIsNoName) {
  EXPECT_EQ(StateOf(Whole({.extensions = std::nullopt})), State::kNoName);
  EXPECT_EQ(StateOf(Whole({.extensions = ""})), State::kNoName);
  EXPECT_EQ(With(Extension(43, "\2\3\4")).state, State::kNoName);
}

TEST(TlsHelloTest, IsIncompleteUntilItsLastByte) {
  const std::string whole = Whole({});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(StateOf(whole.substr(0, size)), State::kIncomplete) << size;
  }
  EXPECT_EQ(ReadTlsHello(whole + Record("early", 23)).name, "good.test");
}

TEST(TlsHelloTest, PutsFragmentsTogether) {
  const std::string handshake = Hello{}.Handshake();
  for (const std::size_t piece : {1u, 2u, 3u, 5u, 50u}) {
    std::string bytes;
    for (std::size_t at = 0; at < handshake.size(); at += piece) {
      EXPECT_EQ(StateOf(bytes), State::kIncomplete);
      bytes += Record(handshake.substr(at, piece));
    }
    EXPECT_EQ(ReadTlsHello(bytes).name, "good.test") << piece;
  }
}

TEST(TlsHelloTest, IsNotTlsWhenItDoesNotBeginLikeIt) {
  for (const std::string& bytes : {"GET / HTTP/1.1\r\n"s, "\0"s, "\x17\3\3"s, "\x15\3\1\0\2\1\0"s, "\x80\x2e\2\0\2"s,
                                   "\x80\x2e\1\7"s, "\x16\2"s, "\x16\4\1"s, "SSH-2.0-x\r\n"s}) {
    EXPECT_EQ(StateOf(bytes), State::kNotTls) << testing::PrintToString(bytes);
  }
}

TEST(TlsHelloTest, KnowsTheFormOfSsl2WhichHasNoName) {
  for (const std::string& version : {"\3\3"s, "\3\1"s, "\0\2"s}) {
    const std::string hello = "\x80\x2e\1" + version + "\0\x15"s;
    EXPECT_EQ(StateOf(hello), State::kNoName);
    for (std::size_t size = 0; size < 5; ++size) EXPECT_EQ(StateOf(hello.substr(0, size)), State::kIncomplete);
  }
}

TEST(TlsHelloTest, RefusesBrokenRecords) {
  const std::string handshake = Hello{}.Handshake();
  EXPECT_EQ(StateOf(Record("")), State::kMalformed);
  EXPECT_EQ(StateOf("\x16\3\1"s + Number(16385, 2)), State::kMalformed);
  EXPECT_EQ(StateOf(Record(handshake.substr(0, 9)) + Record("\1\0"s, 21)), State::kMalformed);
  EXPECT_EQ(StateOf(Record(handshake.substr(0, 9)) + "\x14"), State::kMalformed);
  EXPECT_EQ(StateOf(Record(handshake.substr(0, 9)) + Record("")), State::kMalformed);
  EXPECT_EQ(StateOf(Record(handshake.substr(0, 9)) + "\x16\2"), State::kMalformed);
  EXPECT_EQ(StateOf(Record("\2" + handshake.substr(1))), State::kMalformed);
  EXPECT_EQ(StateOf(Record(handshake + handshake)), State::kMalformed);
  EXPECT_EQ(StateOf(Record(handshake + "x")), State::kMalformed);
}

TEST(TlsHelloTest, RefusesMoreThan16KiB) {
  EXPECT_EQ(With(ServerName("good.test") + Extension(21, std::string(16'000, '\0'))).state, State::kName);
  EXPECT_EQ(StateOf(Record("\1"s + Number(16'385, 3))), State::kMalformed);
  const std::string big = Hello{.extensions = Extension(21, std::string(17'000, '\0'))}.Handshake();
  EXPECT_EQ(StateOf(Record(big.substr(0, 8'000)) + Record(big.substr(8'000))), State::kMalformed);
  std::string drip;
  const std::string handshake = Hello{.extensions = Extension(21, std::string(4'000, '\0'))}.Handshake();
  for (const char c : handshake) drip += Record(std::string(1, c));
  EXPECT_EQ(StateOf(drip), State::kMalformed);
  EXPECT_EQ(StateOf(drip.substr(0, 16'383)), State::kIncomplete);
}

TEST(TlsHelloTest, RefusesBrokenHellos) {
  const Hello broken[] = {
      {.version = "\2\3"},
      {.session = std::string(33, 's')},
      {.suites = ""},
      {.suites = "\x13"},
      {.compressions = ""},
      {.extensions = "\0"s},
      {.extensions = ServerName("good.test").substr(1)},
      {.extensions = ServerName("good.test") + "\0\x15\0\5ab"s},
  };
  for (const Hello& hello : broken) EXPECT_EQ(StateOf(Whole(hello)), State::kMalformed);
  const std::string body = Hello{}.Body();
  EXPECT_EQ(StateOf(Record("\1" + Vector(body + "x", 3))), State::kMalformed);
  for (std::size_t size = 0; size < body.size(); ++size) {
    const State state = StateOf(Record("\1" + Vector(body.substr(0, size), 3)));
    EXPECT_EQ(state, size == body.size() - ServerName("good.test").size() - 2 ? State::kNoName : State::kMalformed)
        << size;
  }
}

TEST(TlsHelloTest, TakesExactlyOneHostName) {
  const std::string entry = NameEntry("good.test");
  const std::string broken[] = {
      ServerName("good.test") + ServerName("good.test"),
      ServerName("good.test") + ServerName("evil.test"),
      Extension(0, Vector(entry + NameEntry("evil.test"), 2)),
      Extension(0, Vector(entry + NameEntry("x", 1), 2)),
      Extension(0, Vector(NameEntry("good.test", 1), 2)),
      Extension(0, Vector("", 2)),
      Extension(0, ""),
      Extension(0, Vector(entry, 2) + "x"),
      Extension(0, Vector(entry.substr(0, 8), 2)),
      ServerName(""),
      ServerName("good.test\0.evil.test"s),
      ServerName("good.test\0"s),
      ServerName("127.0.0.1"),
      ServerName("::1"),
      ServerName("good.test:443"),
      ServerName("g\xc3\xb6od.test"),
      ServerName("good test"),
      ServerName("*.test"),
      ServerName(std::string(254, 'a')),
  };
  for (const std::string& extensions : broken) {
    EXPECT_EQ(With(extensions).state, State::kMalformed) << testing::PrintToString(extensions);
  }
}

TEST(TlsHelloTest, HasANameOnlyWhenItSaysSo) {
  std::mt19937 random(1);
  const std::string whole =
      Whole({.extensions = Extension(0x0a0a, "") + ServerName("good.test") + Extension(43, "\2\3\4")});
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = whole;
    for (unsigned n = random() % 4; n > 0; --n) changed[random() % changed.size()] = static_cast<char>(random());
    const TlsHello hello =
        ReadTlsHello(changed.substr(0, random() % 4 == 0 ? random() % changed.size() : changed.size()));
    EXPECT_EQ(hello.state == State::kName, !hello.name.empty());
  }
}

}  // namespace
}  // namespace rune::sandbox
