#include "agent/providers/copilot.h"

#include <gmock/gmock.h>
#include <poll.h>

#include "agent/providers/copilot_login.h"
#include "sandbox/base/log.h"
#include "sandbox/base/redaction.h"
#include "tests/unit/http/loopback_server.h"

namespace rune::agent {
namespace {

using std::chrono::seconds;
using test::LoopbackServer;
using test::Peer;
using test::SeenRequest;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kDomains{"githubcopilot.com", "github.com"};

std::string Exchanged(const std::string& token, int refresh_in) {
  return R"({"token":")" + token + R"(","expires_at":1,"refresh_in":)" + std::to_string(refresh_in) + "}";
}

TEST(CopilotHosts, FollowFromTheBaseUrl) {
  EXPECT_EQ(CopilotHostsOf("").exchange, "https://api.github.com");
  EXPECT_EQ(CopilotHostsOf("").api, "");
  EXPECT_EQ(CopilotHostsOf("").usual_api, "https://api.githubcopilot.com");
  const CopilotHosts business = CopilotHostsOf("https://api.business.githubcopilot.com");
  EXPECT_EQ(business.exchange, "https://api.github.com");
  EXPECT_EQ(business.api, "https://api.business.githubcopilot.com");
  const CopilotHosts enterprise = CopilotHostsOf("https://acme.ghe.com");
  EXPECT_EQ(enterprise.exchange, "https://api.acme.ghe.com");
  EXPECT_EQ(enterprise.login, "https://acme.ghe.com");
  EXPECT_TRUE(IsTrustedApi("https://copilot-api.acme.ghe.com", enterprise.domains));
  const CopilotHosts local = CopilotHostsOf("http://127.0.0.1:9/x");
  EXPECT_EQ(local.exchange, "http://127.0.0.1:9");
  EXPECT_EQ(local.api, "http://127.0.0.1:9/x");
}

TEST(CopilotApi, OnlyGithubsOwnHostsAreTrusted) {
  for (const char* const good : {"https://api.individual.githubcopilot.com", "https://githubcopilot.com/",
                                 "https://api.business.githubcopilot.com", "https://copilot.github.com"}) {
    EXPECT_TRUE(IsTrustedApi(good, kDomains)) << good;
  }
  for (const char* const bad :
       {"http://api.githubcopilot.com", "https://githubcopilot.com.evil.example", "https://evilgithubcopilot.com",
        "https://api.githubcopilot.com@evil.example", "https://api.githubcopilot.com:443@evil.example",
        "https://evil.example/.githubcopilot.com", "https://evil.example#.githubcopilot.com",
        "https://evil.example?.githubcopilot.com", "https://evil.example\\.githubcopilot.com", "https://", "",
        "https://api.githubcopilot.com:8443", "https://127.0.0.1", "file:///etc/passwd"}) {
    EXPECT_FALSE(IsTrustedApi(bad, kDomains)) << bad;
  }
}

TEST(CopilotSession, TheAddressComesFromTheAnswerOrFromTheToken) {
  const auto named = ReadCopilotSession(
      R"({"token":"tid=1;exp=2:m","refresh_in":1500,"endpoints":{"api":"https://api.individual.githubcopilot.com"}})",
      kDomains);
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named->api, "https://api.individual.githubcopilot.com");
  EXPECT_EQ(named->refresh_in, seconds(1500));
  const auto hinted = ReadCopilotSession(
      R"({"token":"tid=1;proxy-ep=proxy.business.githubcopilot.com;exp=2:m","refresh_in":"x"})", kDomains);
  ASSERT_TRUE(hinted.ok());
  EXPECT_EQ(hinted->api, "https://api.business.githubcopilot.com");
  SetLogLevel(LogLevel::kError);
  const auto evil = ReadCopilotSession(
      R"({"token":"tid=1","refresh_in":-5,"endpoints":{"api":"https://api.evil.example"}})", kDomains);
  SetLogLevel(LogLevel::kWarn);
  ASSERT_TRUE(evil.ok());
  EXPECT_EQ(evil->api, "");
  EXPECT_GE(evil->refresh_in, seconds(1));
  for (const char* const none : {"{}", "[]", "", R"({"token":""})", R"({"token":"a\r\nX: b"})", R"({"token":7})"}) {
    EXPECT_FALSE(ReadCopilotSession(none, kDomains).ok()) << none;
  }
}

Caps Learnt(const std::string& entry) {
  Caps caps;
  const auto models = json::Document::Parse(R"({"data":[{"id":"other"},{"id":"m",)" + entry + "}]}");
  if (models.ok()) ApplyCopilotModel(models->root(), "m", caps);
  return caps;
}

TEST(CopilotModel, ItsEndpointsChooseTheWire) {
  EXPECT_EQ(Learnt(R"("x":1)").wire, Wire::kOpenAiChat);
  EXPECT_EQ(Learnt(R"("supported_endpoints":[])").wire, Wire::kOpenAiChat);
  EXPECT_EQ(Learnt(R"("supported_endpoints":["/responses","/chat/completions"])").wire, Wire::kOpenAiChat);
  EXPECT_EQ(Learnt(R"("supported_endpoints":["ws:/responses","/responses"])").wire, Wire::kOpenAiResponses);
  EXPECT_EQ(Learnt(R"("supported_endpoints":["/v1/messages"])").wire, Wire::kAnthropicMessages);
}

TEST(CopilotModel, ItsLimitsAndAbilitiesAreTakenOver) {
  const Caps caps = Learnt(
      R"("capabilities":{"limits":{"max_context_window_tokens":128000,"max_prompt_tokens":64000},
         "supports":{"vision":false,"reasoning_effort":["low","high"]}})");
  EXPECT_EQ(caps.context_window, 64'000u);
  EXPECT_FALSE(caps.images);
  EXPECT_TRUE(caps.thinking);
}

class CopilotTest : public testing::Test {
 protected:
  CopilotTest() { SetLogLevel(LogLevel::kError); }
  ~CopilotTest() override { SetLogLevel(LogLevel::kWarn); }

  void Serve(LoopbackServer::Responder exchange) {
    server_ = std::make_unique<LoopbackServer>([exchange](const SeenRequest& request, Peer& peer) {
      if (request.head.starts_with("GET /copilot_internal/v2/token")) return exchange(request, peer);
      peer.ReplyJson(200, R"({"data":[]})");
    });
  }
  CopilotAccess& Make(const std::string& token) {
    access_ = std::make_unique<CopilotAccess>(loop_, CopilotOptions{.token = Secret(token),
                                                                    .hosts = CopilotHostsOf(server_->url()),
                                                                    .model = "m",
                                                                    .correct = nullptr,
                                                                    .now = [this] { return now_; }});
    return *access_;
  }
  /// The headers, or the failure's message.
  std::string Open(const std::vector<Message>& history = {MakeText(Role::kUser, "Hi")}) {
    Grant grant;
    const auto failure = access_->Open({history, Clock::now() + seconds(5)}, caps_, grant);
    if (failure) return failure->message;
    std::string lines = grant.base_url + "\n";
    for (const std::string& header : grant.headers) lines += header + "\n";
    return lines;
  }
  std::size_t Exchanges() {
    std::size_t count = 0;
    for (const SeenRequest& request : server_->seen())
      if (request.head.starts_with("GET /copilot_internal")) ++count;
    return count;
  }

  EventLoop loop_;
  TimePoint now_ = Clock::now();
  Caps caps_ = LookUpCaps("github-copilot", "", "m");
  std::unique_ptr<LoopbackServer> server_;
  std::unique_ptr<CopilotAccess> access_;
};

TEST_F(CopilotTest, TheTokenIsExchangedOnceAndTheSessionUsedUntilItAges) {
  int count = 0;
  Serve([&count](const SeenRequest&, Peer& peer) {
    peer.ReplyJson(200, Exchanged("tid=session-" + std::to_string(++count), 1500));
  });
  Make("ghu_canary-github-token");
  EXPECT_THAT(Open(), AllOf(HasSubstr("Bearer tid=session-1"), Not(HasSubstr("ghu_"))));
  EXPECT_THAT(Open(), HasSubstr("Bearer tid=session-1"));
  now_ += seconds(1500 - 60);
  EXPECT_THAT(Open(), HasSubstr("Bearer tid=session-2"));
  EXPECT_EQ(Exchanges(), 2u);
  const std::string head = server_->seen()[0].head;
  EXPECT_THAT(head, AllOf(HasSubstr("Authorization: token ghu_canary-github-token"), HasSubstr("Editor-Version: "),
                          HasSubstr("X-GitHub-Api-Version: 2025-04-01"), Not(HasSubstr("2025-05-01"))));
  EXPECT_EQ(Redact("tid=session-1"), "***");
}

TEST_F(CopilotTest, WhoAsksMeanwhileWaitsForTheSameExchange) {
  Serve([](const SeenRequest&, Peer& peer) {
    ::poll(nullptr, 0, 50);
    peer.ReplyJson(200, Exchanged("tid=session", 1500));
  });
  Make("ghu_1");
  std::string inner;
  loop_.At(Clock::now() + Milliseconds(10), [&] { inner = Open(); });
  EXPECT_THAT(Open(), HasSubstr("Bearer tid=session"));
  EXPECT_THAT(inner, HasSubstr("Bearer tid=session"));
  EXPECT_EQ(Exchanges(), 1u);
}

TEST_F(CopilotTest, ARefusedSessionIsReplaced) {
  int count = 0;
  Serve([&count](const SeenRequest&, Peer& peer) {
    peer.ReplyJson(200, Exchanged("tid=session-" + std::to_string(++count), 1500));
  });
  Make("ghu_1");
  Open();
  EXPECT_TRUE(access_->Renew());
  EXPECT_THAT(Open(), HasSubstr("Bearer tid=session-2"));
}

TEST_F(CopilotTest, ASessionThatCannotBeRenewedIsUsedToItsEnd) {
  int count = 0;
  Serve([&count](const SeenRequest&, Peer& peer) {
    if (++count == 1) return peer.ReplyJson(200, Exchanged("tid=session-1", 600));
    peer.ReplyJson(503, "{}");
  });
  Make("ghu_1");
  Open();
  now_ += seconds(570);
  EXPECT_THAT(Open(), HasSubstr("Bearer tid=session-1"));
  now_ += seconds(60);
  EXPECT_THAT(Open(), HasSubstr("503"));
}

TEST_F(CopilotTest, WhoSpokeLastAndWhatIsShownIsSaid) {
  Serve([](const SeenRequest&, Peer& peer) { peer.ReplyJson(200, Exchanged("tid=s", 1500)); });
  Make("ghu_1");
  std::vector<Message> history{MakeText(Role::kUser, "Hi")};
  EXPECT_THAT(Open(history), AllOf(HasSubstr("X-Initiator: user"), Not(HasSubstr("Vision"))));
  history.push_back({.role = Role::kAssistant, .parts = {ToolCall{"a", "f", "{}", ""}}});
  history.push_back({.role = Role::kTool, .parts = {ToolResult{"a", "f", "r", false, {Image{"image/png", "x"}}}}});
  EXPECT_THAT(Open(history), AllOf(HasSubstr("X-Initiator: agent"), HasSubstr("Copilot-Vision-Request: true")));
}

TEST_F(CopilotTest, ATokenOfAnotherKindOpensTheApiItself) {
  Serve([](const SeenRequest&, Peer& peer) {
    peer.ReplyJson(403, R"({"message":"Resource not accessible by personal access token"})");
  });
  Make("github_pat_1");
  EXPECT_THAT(Open(), HasSubstr("Bearer github_pat_1"));
  EXPECT_THAT(caps_.headers, AllOf(Contains("Copilot-Integration-Id: copilot-developer-cli"),
                                   Not(Contains("Copilot-Integration-Id: vscode-chat"))));
  EXPECT_FALSE(access_->Renew());
  Open();
  EXPECT_EQ(Exchanges(), 1u);
}

TEST_F(CopilotTest, ASessionTokenNeedsNoExchange) {
  Serve([](const SeenRequest&, Peer& peer) { peer.ReplyJson(500, "{}"); });
  Make("tid=1;exp=2:mac");
  EXPECT_THAT(Open(), HasSubstr("Bearer tid=1;exp=2:mac"));
  EXPECT_EQ(Exchanges(), 0u);
}

struct RefusalRow {
  const char* token;
  int status;
  const char* body;
  const char* words;
};

TEST_F(CopilotTest, ARefusalSaysWhatToDo) {
  const std::vector<RefusalRow> rows{
      {"ghu_1", 401, R"({"message":"Bad credentials"})", "rune init"},
      {"ghp_1", 404, R"({"message":"Not Found"})", "ghp_"},
      {"ghu_1", 404, R"({"message":"Not Found"})", "no access to Copilot"},
      {"ghu_1", 403,
       R"({"message":"x","error_details":{"message":"No access to GitHub Copilot found","url":"https://github.com/settings"}})",
       "https://github.com/settings"},
      {"ghu_1", 403, R"({"message":"API rate limit exceeded for user"})", "rate"},
      {"ghu_1", 302, "", "redirects"}};
  for (const RefusalRow& row : rows) {
    Serve([&](const SeenRequest&, Peer& peer) { peer.ReplyJson(row.status, row.body); });
    Make(row.token);
    EXPECT_THAT(Open(), AllOf(HasSubstr(row.words), Not(HasSubstr("\n")))) << row.body;
  }
  Serve([](const SeenRequest&, Peer& peer) { peer.Reply(200, "Content-Type: text/html\r\n", "<html>"); });
  Make("ghu_1");
  EXPECT_THAT(Open(), HasSubstr("does not answer like GitHub"));
}

TEST_F(CopilotTest, AnInterruptionEndsTheExchange) {
  Serve([](const SeenRequest&, Peer&) {});
  Make("ghu_1");
  loop_.At(Clock::now() + Milliseconds(30), [this] { loop_.Interrupt(2); });
  const TimePoint start = Clock::now();
  EXPECT_THAT(Open(), HasSubstr("interrupted"));
  EXPECT_LT(Clock::now() - start, Milliseconds(230));
  EXPECT_TRUE(server_->ClientCloses(1));
}

TEST_F(CopilotTest, ALoginWaitsForThePersonAndSlowsDownWhenAsked) {
  int polls = 0;
  LoopbackServer github([&polls](const SeenRequest& request, Peer& peer) {
    if (request.head.starts_with("POST /login/device/code")) {
      return peer.ReplyJson(
          200,
          R"({"device_code":"dev-code","user_code":"AB-12","verification_uri":"https://github.com/login/device","interval":0,"expires_in":900})");
    }
    const char* const answers[] = {R"({"error":"authorization_pending"})", R"({"error":"slow_down"})",
                                   R"({"access_token":"ghu_fresh","token_type":"bearer"})"};
    peer.ReplyJson(200, answers[polls++]);
  });
  std::string shown;
  const DeviceLogin login{.host = github.url(),
                          .slow_down = Milliseconds(30),
                          .show = [&](const std::string& page, const std::string& code) { shown = page + " " + code; }};
  const TimePoint start = Clock::now();
  const auto token = LogInToCopilot(loop_, login);
  ASSERT_TRUE(token.ok()) << token.error().message;
  EXPECT_EQ(token->Reveal(), "ghu_fresh");
  EXPECT_EQ(shown, "https://github.com/login/device AB-12");
  EXPECT_GE(Clock::now() - start, Milliseconds(30));
  EXPECT_THAT(github.seen().at(1).body, AllOf(HasSubstr("device_code=dev-code"), HasSubstr("grant_type=urn%3A")));
}

TEST_F(CopilotTest, ALoginThatFailsSaysWhy) {
  const std::vector<std::pair<std::string, std::string>> rows{{R"({"error":"expired_token"})", "expired"},
                                                              {R"({"error":"access_denied"})", "refused"},
                                                              {R"({"error":"odd\nthing"})", "odd thing"},
                                                              {"<html>", "like GitHub"}};
  for (const auto& [answer, words] : rows) {
    LoopbackServer github([&](const SeenRequest& request, Peer& peer) {
      if (request.head.starts_with("POST /login/device/code"))
        return peer.ReplyJson(200, R"({"device_code":"d","user_code":"u","interval":0,"expires_in":900})");
      peer.ReplyJson(200, answer);
    });
    const DeviceLogin login{.host = github.url(), .show = [](const std::string&, const std::string&) {}};
    const auto token = LogInToCopilot(loop_, login);
    ASSERT_FALSE(token.ok());
    EXPECT_THAT(token.error().message, HasSubstr(words));
  }
}

}  // namespace
}  // namespace rune::agent
