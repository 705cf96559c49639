#include "agent/http/client.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <netdb.h>
#include <poll.h>

#include <atomic>
#include <cstdlib>
#include <optional>
#include <string>

#include "tests/unit/http/loopback_server.h"

namespace {
/// While positive, the resolver takes this long.
std::atomic<int> resolver_delay_ms = 0;
}  // namespace

/// Stands in front of the C library's, so that the name resolution of libcurl can be made to hang.
extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo** list) {
  if (const int delay = resolver_delay_ms; delay > 0) ::poll(nullptr, 0, delay);
  *list = nullptr;
  return EAI_NONAME;
}

namespace rune::agent {
namespace {

using test::LoopbackServer;
using test::Peer;
using test::SeenRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr Milliseconds kPatience{5000};

class HttpClientTest : public testing::Test {
 protected:
  HttpClient::RequestId Start(HttpRequest request) {
    return client_.Start(std::move(request),
                         {.on_headers = [this](int status, const HttpHeaders&) { headers_status_ = status; },
                          .on_body = [this](std::string_view bytes) { body_ += bytes; },
                          .on_done = [this](const HttpOutcome& outcome) { outcome_ = outcome; }});
  }
  const HttpOutcome& Run(HttpRequest request) {
    outcome_.reset();
    body_.clear();
    headers_status_ = 0;
    Start(std::move(request));
    EXPECT_EQ(loop_.RunUntil([this] { return outcome_.has_value(); }, Clock::now() + kPatience),
              EventLoop::Wake::kDone);
    if (!outcome_) std::abort();
    return *outcome_;
  }

  EventLoop loop_;
  HttpClient client_{loop_};
  int headers_status_ = 0;
  std::string body_;
  std::optional<HttpOutcome> outcome_;
};

TEST_F(HttpClientTest, ABodyIsPostedAndTheReplyComesBack) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Reply(200, "X-One: a\r\nx-one: b\r\n", "hello"); });
  const HttpOutcome outcome = Run({.url = server.url() + "/v1/x", .headers = {"X-Test: yes"}, .body = "{}"});
  EXPECT_EQ(outcome.failure, HttpFailure::kNone);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(headers_status_, 200);
  EXPECT_EQ(body_, "hello");
  EXPECT_EQ(outcome.headers.at("x-one"), "b");
  const auto seen = server.seen();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_THAT(seen[0].head, HasSubstr("POST /v1/x HTTP/1.1"));
  EXPECT_THAT(seen[0].head, HasSubstr("X-Test: yes"));
  EXPECT_THAT(seen[0].head, HasSubstr("User-Agent: rune/"));
  EXPECT_EQ(seen[0].body, "{}");
}

TEST_F(HttpClientTest, WithoutABodyItIsAGet) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", ""); });
  Run({.url = server.url() + "/x"});
  EXPECT_THAT(server.seen()[0].head, HasSubstr("GET /x HTTP/1.1"));
}

TEST_F(HttpClientTest, ALargeBodyIsSentWithoutAskingFirst) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", "ok"); });
  const std::string body(2'000'000, 'x');
  const HttpOutcome outcome = Run({.url = server.url(), .body = body});
  EXPECT_EQ(outcome.failure, HttpFailure::kNone);
  EXPECT_THAT(server.seen()[0].head, Not(HasSubstr("Expect")));
  EXPECT_EQ(server.seen()[0].body.size(), body.size());
}

TEST_F(HttpClientTest, ChunksArriveAsTheyAreSent) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    peer.Send("3\r\none\r\n");
    peer.Send("3\r\ntwo\r\n0\r\n\r\n");
  });
  EXPECT_EQ(Run({.url = server.url()}).failure, HttpFailure::kNone);
  EXPECT_EQ(body_, "onetwo");
}

TEST_F(HttpClientTest, AnInterimResponseIsPassedOver) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 103 Early Hints\r\nX-Interim: yes\r\n\r\n");
    peer.Reply(200, "", "ok");
  });
  const HttpOutcome outcome = Run({.url = server.url()});
  EXPECT_EQ(outcome.status, 200);
  EXPECT_FALSE(outcome.headers.contains("x-interim"));
}

TEST_F(HttpClientTest, AConnectionIsUsedAgain) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", "ok"); });
  for (int i = 0; i < 3; ++i) Run({.url = server.url(), .body = "{}"});
  for (const SeenRequest& request : server.seen()) EXPECT_EQ(request.connection, 1);
}

TEST_F(HttpClientTest, AReusedConnectionThatDiesIsReplacedWithoutAWord) {
  for (const bool hard : {false, true}) {
    LoopbackServer server([hard](const SeenRequest& request, Peer& peer) {
      if (request.number != 2) return peer.Reply(200, "", "ok");
      if (hard) {
        peer.Reset();
      } else {
        peer.Close();
      }
    });
    Run({.url = server.url(), .body = "{}"});
    EXPECT_EQ(Run({.url = server.url(), .body = "{}"}).failure, HttpFailure::kNone);
    EXPECT_EQ(server.seen().size(), 3u);
    EXPECT_EQ(server.seen()[2].connection, 2);
  }
}

TEST_F(HttpClientTest, AFreshConnectionThatClosesWithoutAWordIsAFailure) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Close(); });
  EXPECT_EQ(Run({.url = server.url(), .body = "{}"}).failure, HttpFailure::kNoReply);
  EXPECT_EQ(server.seen().size(), 1u);
}

TEST_F(HttpClientTest, ACutBodyIsTruncated) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
    peer.Close();
  });
  EXPECT_EQ(Run({.url = server.url()}).failure, HttpFailure::kTruncated);
  EXPECT_EQ(body_, "part");
}

TEST_F(HttpClientTest, AResetInTheBodyIsAReset) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
    ::poll(nullptr, 0, 20);  // so that the part is read before the reset discards it
    peer.Reset();
  });
  EXPECT_EQ(Run({.url = server.url()}).failure, HttpFailure::kReset);
}

TEST_F(HttpClientTest, TheBodyOfAnErrorIsBounded) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Reply(500, "", std::string(1'000'000, 'x')); });
  const HttpOutcome outcome = Run({.url = server.url()});
  EXPECT_EQ(outcome.status, 500);
  EXPECT_EQ(outcome.failure, HttpFailure::kNone);
  EXPECT_EQ(outcome.error_body.size(), kMaxErrorBody);
  EXPECT_EQ(headers_status_, 0);
  EXPECT_EQ(body_, "");
}

TEST_F(HttpClientTest, TheStatusOfACutErrorStillCounts) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\npart");
    peer.Close();
  });
  const HttpOutcome outcome = Run({.url = server.url()});
  EXPECT_EQ(outcome.failure, HttpFailure::kNone);
  EXPECT_EQ(outcome.status, 401);
  EXPECT_EQ(outcome.error_body, "part");
}

TEST_F(HttpClientTest, ARedirectIsNotFollowed) {
  LoopbackServer other([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", "stolen"); });
  LoopbackServer server(
      [&other](const SeenRequest&, Peer& peer) { peer.Reply(307, "Location: " + other.url() + "/\r\n", ""); });
  const HttpOutcome outcome = Run({.url = server.url(), .headers = {"Authorization: Bearer secret"}, .body = "{}"});
  EXPECT_EQ(outcome.status, 307);
  EXPECT_EQ(outcome.headers.at("location"), other.url() + "/");
  EXPECT_TRUE(other.seen().empty());
}

TEST_F(HttpClientTest, OnlyHttpAndHttpsAreSpoken) {
  EXPECT_EQ(Run({.url = "file:///etc/hostname"}).failure, HttpFailure::kUnusable);
  EXPECT_EQ(Run({.url = "gopher://127.0.0.1/"}).failure, HttpFailure::kUnusable);
}

TEST_F(HttpClientTest, APortWithoutAListenerRefuses) {
  EXPECT_EQ(Run({.url = "http://127.0.0.1:" + std::to_string(test::UnusedPort())}).failure, HttpFailure::kConnect);
}

TEST_F(HttpClientTest, ANameThatDoesNotExistCannotBeResolved) {
  EXPECT_EQ(Run({.url = "http://nowhere.invalid/"}).failure, HttpFailure::kResolve);
}

TEST_F(HttpClientTest, AHandshakeThatIsNotAnsweredIsGivenUpAtTheConnectLimit) {
  LoopbackServer server([](const SeenRequest&, Peer&) {});
  // The server waits for the end of a head, which a TLS greeting does not have.
  EXPECT_EQ(
      Run({.url = "https://127.0.0.1:" + std::to_string(server.port()), .timeouts = {.connect = Milliseconds(60)}})
          .failure,
      HttpFailure::kConnectTimeout);
}

TEST_F(HttpClientTest, ACertificateBundleThatIsMissingOrNoneIsNamed) {
  ::setenv("SSL_CERT_FILE", "/nowhere/ca.pem", 1);
  const HttpOutcome missing = Run({.url = "https://127.0.0.1:" + std::to_string(test::UnusedPort())});
  EXPECT_EQ(missing.failure, HttpFailure::kTrustStore);
  EXPECT_THAT(missing.detail, HasSubstr("/nowhere/ca.pem"));
  ::setenv("SSL_CERT_FILE", "/dev/null", 1);
  LoopbackServer server([](const SeenRequest&, Peer&) {});
  const HttpOutcome empty = Run({.url = "https://127.0.0.1:" + std::to_string(server.port())});
  EXPECT_EQ(empty.failure, HttpFailure::kTrustStore);
  EXPECT_THAT(empty.detail, HasSubstr("/dev/null"));
  ::unsetenv("SSL_CERT_FILE");
}

TEST_F(HttpClientTest, AServerThatSaysNothingIsGivenUpAtTheFirstByteLimit) {
  LoopbackServer server([](const SeenRequest&, Peer&) {});
  const TimePoint start = Clock::now();
  EXPECT_EQ(Run({.url = server.url(), .timeouts = {.first_byte = Milliseconds(60)}}).failure,
            HttpFailure::kFirstByteTimeout);
  EXPECT_LT(Clock::now() - start, Milliseconds(400));
}

TEST_F(HttpClientTest, AServerThatStopsInTheMiddleIsGivenUpAtTheIdleLimit) {
  LoopbackServer server(
      [](const SeenRequest&, Peer& peer) { peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"); });
  EXPECT_EQ(Run({.url = server.url(), .timeouts = {.idle = Milliseconds(60)}}).failure, HttpFailure::kIdleTimeout);
}

TEST_F(HttpClientTest, EveryByteRenewsTheIdleLimit) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    for (int i = 0; i < 5; ++i) {
      ::poll(nullptr, 0, 40);
      peer.Send("x");
    }
  });
  EXPECT_EQ(Run({.url = server.url(), .timeouts = {.idle = Milliseconds(150)}}).failure, HttpFailure::kNone);
  EXPECT_EQ(body_, "xxxxx");
}

TEST_F(HttpClientTest, TheDeadlineEndsARequestThatIsStillProgressing) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) {
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 10; ++i) {
      ::poll(nullptr, 0, 20);
      peer.Send("x");
    }
  });
  EXPECT_EQ(Run({.url = server.url(), .timeouts = {.deadline = Clock::now() + Milliseconds(80)}}).failure,
            HttpFailure::kDeadline);
}

TEST_F(HttpClientTest, ACancelledRequestIsSilentAndItsConnectionClosed) {
  LoopbackServer server(
      [](const SeenRequest&, Peer& peer) { peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"); });
  const auto id = Start({.url = server.url()});
  (void)loop_.RunUntil([this] { return body_ == "part"; }, Clock::now() + kPatience);
  client_.Cancel(id);
  client_.Cancel(id);
  EXPECT_TRUE(server.ClientCloses(1));
  EXPECT_FALSE(outcome_.has_value());
}

TEST_F(HttpClientTest, ARequestMayBeCancelledFromItsOwnCallback) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", "a body"); });
  HttpClient::RequestId id = 0;
  bool called = false;
  id = client_.Start({.url = server.url()}, {.on_body =
                                                 [&](std::string_view) {
                                                   called = true;
                                                   client_.Cancel(id);
                                                 },
                                             .on_done = [](const HttpOutcome&) { FAIL() << "cancelled"; }});
  (void)loop_.RunUntil([&] { return called; }, Clock::now() + kPatience);
  EXPECT_TRUE(called);
  EXPECT_TRUE(server.ClientCloses(1));
}

TEST_F(HttpClientTest, AHangingResolverDoesNotHoldUpCancellation) {
  resolver_delay_ms = 1500;
  const auto id = Start({.url = "http://slow.invalid/"});
  (void)loop_.RunUntil([] { return false; }, Clock::now() + Milliseconds(50));
  const TimePoint start = Clock::now();
  client_.Cancel(id);
  EXPECT_LT(Clock::now() - start, Milliseconds(100));
  resolver_delay_ms = 0;
}

TEST_F(HttpClientTest, AHangingResolverIsGivenUpAtTheConnectLimit) {
  resolver_delay_ms = 1500;
  const TimePoint start = Clock::now();
  EXPECT_EQ(Run({.url = "http://slow.invalid/", .timeouts = {.connect = Milliseconds(60)}}).failure,
            HttpFailure::kConnectTimeout);
  EXPECT_LT(Clock::now() - start, Milliseconds(400));
  resolver_delay_ms = 0;
}

TEST_F(HttpClientTest, ParallelRequestsDoNotDisturbEachOther) {
  LoopbackServer server([](const SeenRequest& request, Peer& peer) { peer.Reply(200, "", request.body); });
  std::vector<std::string> bodies(4);
  int done = 0;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    client_.Start({.url = server.url(), .body = std::to_string(i)},
                  {.on_body = [&bodies, i](std::string_view bytes) { bodies[i] += bytes; },
                   .on_done = [&done](const HttpOutcome&) { ++done; }});
  }
  (void)loop_.RunUntil([&] { return done == 4; }, Clock::now() + kPatience);
  EXPECT_THAT(bodies, ElementsAre("0", "1", "2", "3"));
}

TEST_F(HttpClientTest, SocketsAreNotInherited) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", "ok"); });
  Run({.url = server.url()});
  int sockets = 0;
  for (int fd = 3; fd < 64; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0) continue;
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 || address.ss_family != AF_INET) continue;
    ++sockets;
    EXPECT_NE(flags & FD_CLOEXEC, 0) << fd;
  }
  EXPECT_GE(sockets, 1);
}

}  // namespace
}  // namespace rune::agent
