/// What lies between us and a server: certificates, proxies, networks that do not answer.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "agent/http/fetch.h"
#include "tests/unit/http/loopback_server.h"
#include "tests/unit/http/tls_server.h"

namespace rune::agent {
namespace {

using test::LoopbackServer;
using test::Peer;
using test::SeenRequest;
using test::TlsServer;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// A variable while alive.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

class TransportTest : public testing::Test {
 protected:
  Fetched Get(const std::string& url, Milliseconds connect = Milliseconds(5000)) {
    return Fetch(loop_, client_, {.url = url, .timeouts = {.connect = connect}},
                 Clock::now() + std::chrono::seconds(5));
  }

  EventLoop loop_;
  HttpClient client_{loop_};
};

TEST_F(TransportTest, ACertificateThatSslCertFileHoldsIsTrusted) {
  TlsServer server("IP:127.0.0.1");
  const Variable trust("SSL_CERT_FILE", server.certificate_file());
  const Fetched fetched = Get(server.url());
  EXPECT_TRUE(fetched.ok()) << fetched.outcome.detail;
  EXPECT_EQ(fetched.body, "ok");
}

TEST_F(TransportTest, AnUnknownCertificateIsRefusedBeforeAnythingIsSent) {
  TlsServer server("IP:127.0.0.1");
  TlsServer other("IP:127.0.0.1");
  const Variable trust("SSL_CERT_FILE", other.certificate_file());
  EXPECT_EQ(Get(server.url()).outcome.failure, HttpFailure::kCertificate);
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(TransportTest, ACertificateForAnotherHostIsRefused) {
  TlsServer server("DNS:other.example");
  const Variable trust("SSL_CERT_FILE", server.certificate_file());
  EXPECT_EQ(Get(server.url()).outcome.failure, HttpFailure::kCertificate);
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(TransportTest, OneHandshakeServesManyRequests) {
  TlsServer server("IP:127.0.0.1");
  const Variable trust("SSL_CERT_FILE", server.certificate_file());
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Get(server.url()).ok());
  EXPECT_EQ(server.requests(), 20);
  EXPECT_EQ(server.handshakes(), 1);
}

TEST_F(TransportTest, AProxyIsAskedForWhatIsElsewhere) {
  LoopbackServer proxy([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", "through"); });
  const Variable use("http_proxy", proxy.url());
  EXPECT_EQ(Get("http://model.example/v1/x").body, "through");
  EXPECT_THAT(proxy.seen().at(0).head, HasSubstr("GET http://model.example/v1/x HTTP/1.1"));
}

TEST_F(TransportTest, NoProxyNamesWhatIsNot) {
  LoopbackServer proxy([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", "through"); });
  const Variable use("http_proxy", proxy.url());
  for (const char* const name : {"NO_PROXY", "no_proxy"}) {
    const Variable not_for(name, "other.example,.model.example");
    EXPECT_EQ(Get("http://api.model.example/").outcome.failure, HttpFailure::kResolve);
  }
  const Variable not_for("NO_PROXY", "*");
  EXPECT_EQ(Get("http://model.example/").outcome.failure, HttpFailure::kResolve);
  EXPECT_TRUE(proxy.seen().empty());
}

TEST_F(TransportTest, ThisMachineIsNeverReachedThroughAProxy) {
  LoopbackServer proxy([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", "through"); });
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", "direct"); });
  const Variable use("http_proxy", proxy.url());
  EXPECT_EQ(Get(server.url()).body, "direct");
}

TEST_F(TransportTest, AProxyThatRefusesTheTunnelIsNamedWithItsStatus) {
  LoopbackServer proxy([](const SeenRequest&, Peer& peer) { peer.Reply(407, "", "who are you"); });
  const Variable use("https_proxy", proxy.url());
  const Fetched fetched =
      Fetch(loop_, client_, {.url = "https://model.example/", .headers = {"Authorization: Bearer canary"}},
            Clock::now() + std::chrono::seconds(5));
  EXPECT_EQ(fetched.outcome.failure, HttpFailure::kProxy);
  EXPECT_EQ(fetched.outcome.proxy.address, proxy.url());
  EXPECT_THAT(fetched.outcome.detail, HasSubstr("407"));
  EXPECT_THAT(proxy.seen().at(0).head, AllOf(HasSubstr("CONNECT model.example:443"), Not(HasSubstr("canary"))));
}

TEST_F(TransportTest, ADeadProxyIsNamedWithItsVariableAndWithoutItsPassword) {
  for (const std::string url : {"http://who:canary@127.0.0.1:9", "who:canary@127.0.0.1:9", "http://127.0.0.1:9/"}) {
    for (const char* const name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
      const Variable use(name, url);
      const HttpOutcome outcome = Get("https://model.example/").outcome;
      EXPECT_EQ(outcome.failure, HttpFailure::kConnect) << outcome.detail;
      EXPECT_EQ(outcome.proxy.address, "http://127.0.0.1:9");
      EXPECT_EQ(outcome.proxy.variable, name);
      EXPECT_THAT(outcome.detail, Not(HasSubstr("canary")));
    }
  }
  const Variable use("https_proxy", "http://127.0.0.1:9");
  EXPECT_EQ(Get("https://127.0.0.1:9/").outcome.proxy.address, "") << "reached without it";
}

/// Accepts nobody, and its queue is full: connections to it are never answered.
class FullQueue {
 public:
  FullQueue() {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    fds_.push_back(Socket());
    if (::bind(fds_[0], Address(), size) != 0 || ::listen(fds_[0], 0) != 0) std::abort();
    ::getsockname(fds_[0], Address(), &size);
    for (int i = 0; i < 4; ++i) {
      fds_.push_back(Socket());
      (void)::connect(fds_.back(), Address(), sizeof address_);
    }
  }
  ~FullQueue() {
    for (const int fd : fds_) ::close(fd);
  }
  FullQueue(const FullQueue&) = delete;
  FullQueue& operator=(const FullQueue&) = delete;
  std::string url() const { return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }

 private:
  static int Socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }
  sockaddr* Address() { return reinterpret_cast<sockaddr*>(&address_); }
  sockaddr_in address_{};
  std::vector<int> fds_;
};

int OpenDescriptors() {
  int count = 0;
  for (int fd = 0; fd < 256; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

TEST_F(TransportTest, AConnectionThatIsNotAnsweredIsGivenUpAtTheConnectLimit) {
  FullQueue silent;
  EXPECT_EQ(Get(silent.url(), Milliseconds(60)).outcome.failure, HttpFailure::kConnectTimeout);
}

TEST_F(TransportTest, AnInterruptedConnectionIsClosedAtOnce) {
  FullQueue silent;
  (void)Get(silent.url(), Milliseconds(20));
  const int before = OpenDescriptors();
  loop_.At(Clock::now() + Milliseconds(30), [this] { loop_.Interrupt(2); });
  const TimePoint start = Clock::now();
  EXPECT_EQ(Get(silent.url()).wake, EventLoop::Wake::kInterrupted);
  EXPECT_LT(Clock::now() - start, Milliseconds(230));
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(TransportTest, AFetchThatGrowsTooLargeIsStopped) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", std::string(kMaxFetched + 1, 'x')); });
  EXPECT_EQ(Get(server.url()).outcome.failure, HttpFailure::kOther);
}

TEST_F(TransportTest, ManyRequestsUseOneConnectionAndNoMoreDescriptors) {
  LoopbackServer server([](const SeenRequest&, Peer& peer) { peer.Reply(200, "", "ok"); });
  (void)Get(server.url());
  const int before = OpenDescriptors();
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(Get(server.url()).ok());
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(server.seen().back().connection, 1);
}

}  // namespace
}  // namespace rune::agent
