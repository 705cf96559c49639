#include "agent/providers/failure.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "sandbox/base/redaction.h"

namespace rune::agent {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Endpoint kEndpoint{
    .provider = "openai", .base_url = "https://api.example/v1", .model = "m", .path = "/chat/completions"};
constexpr std::int64_t kNow = 1'795'000'000;

Failure OfStatus(int status, const std::string& body = "", HttpHeaders headers = {}) {
  return ClassifyHttp({.status = status, .headers = std::move(headers), .error_body = body}, kEndpoint, kNow);
}
Failure OfTransport(HttpFailure failure, const std::string& detail = "") {
  return ClassifyHttp({.failure = failure, .detail = detail}, kEndpoint, kNow);
}
Failure OfServerError(const std::string& body) {
  return ClassifyFault({.fault = StreamFault::kServerError, .error = ReadServerError(body)}, kEndpoint);
}

struct StatusRow {
  int status;
  ModelErrorKind kind;
  bool retryable;
};

TEST(Classify, EveryStatusHasItsKind) {
  const std::vector<StatusRow> rows{
      {400, ModelErrorKind::kBadRequest, false}, {401, ModelErrorKind::kAuth, false},
      {402, ModelErrorKind::kRate, false},       {403, ModelErrorKind::kAuth, false},
      {404, ModelErrorKind::kBadRequest, false}, {405, ModelErrorKind::kBadRequest, false},
      {407, ModelErrorKind::kAuth, false},       {408, ModelErrorKind::kDown, true},
      {409, ModelErrorKind::kDown, true},        {413, ModelErrorKind::kTooLong, false},
      {422, ModelErrorKind::kBadRequest, false}, {425, ModelErrorKind::kDown, true},
      {429, ModelErrorKind::kRate, true},        {451, ModelErrorKind::kBadRequest, false},
      {500, ModelErrorKind::kDown, true},        {501, ModelErrorKind::kDown, false},
      {502, ModelErrorKind::kDown, true},        {503, ModelErrorKind::kDown, true},
      {504, ModelErrorKind::kDown, true},        {522, ModelErrorKind::kDown, true},
      {529, ModelErrorKind::kDown, true}};
  for (const StatusRow& row : rows) {
    const Failure failure = OfStatus(row.status, R"({"error":{"message":"no"}})");
    EXPECT_EQ(failure.kind, row.kind) << row.status;
    EXPECT_EQ(failure.remedy == Remedy::kRetry, row.retryable) << row.status;
    EXPECT_THAT(failure.message, HasSubstr(std::to_string(row.status)));
  }
}

TEST(Classify, ASpentQuotaIsNotARateLimit) {
  const Failure limit = OfStatus(429, R"({"error":{"message":"slow down","code":"rate_limit_exceeded"}})");
  EXPECT_EQ(limit.remedy, Remedy::kRetry);
  const Failure quota =
      OfStatus(429, R"({"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}})");
  EXPECT_EQ(quota.kind, ModelErrorKind::kRate);
  EXPECT_NE(quota.remedy, Remedy::kRetry);
  EXPECT_THAT(quota.message, AllOf(HasSubstr("quota"), HasSubstr("credit")));
}

TEST(Classify, ARateLimitThatSpeaksOfTokensIsNoOverflow) {
  const Failure failure =
      OfStatus(429, R"({"error":{"message":"maximum context length: too many tokens per minute"}})");
  EXPECT_EQ(failure.kind, ModelErrorKind::kRate);
  EXPECT_THAT(failure.message, Not(HasSubstr("context_window")));
}

TEST(Classify, AnOverflowSaysWhatToLower) {
  EXPECT_THAT(
      OfStatus(
          400,
          R"({"error":{"message":"This model's maximum context length is 8192 tokens","code":"context_length_exceeded"}})")
          .message,
      AllOf(HasSubstr("longer than api.example takes for model \"m\""), HasSubstr("context_window")));
}

TEST(Classify, AWrongKeySaysWhichKey) {
  EXPECT_THAT(OfStatus(401, R"({"error":{"message":"bad key"}})").message,
              AllOf(HasSubstr("api.example refuses the key"), HasSubstr("RUNE_API_KEY"), HasSubstr("bad key")));
}

TEST(Classify, AWrongPathNamesTheUrlAndTheModel) {
  EXPECT_THAT(OfStatus(404, "<html><title>Not Found</title></html>").message,
              AllOf(HasSubstr("https://api.example/v1/chat/completions"), HasSubstr("base_url"),
                    HasSubstr("model \"m\""), HasSubstr("Not Found")));
}

TEST(Classify, ABaseUrlThatEndsInThePathOfARequestIsToldSo) {
  const auto of = [](const std::string& base_url) {
    const HttpOutcome outcome{.status = 404, .headers = {}, .error_body = "<html>no</html>"};
    return ClassifyHttp(outcome, {.provider = "openai", .base_url = base_url, .model = "m", .path = "/x"}, kNow)
        .message;
  };
  for (const char* const path : {"/chat/completions", "/responses", "/messages"}) {
    EXPECT_THAT(of("https://api.example/v1" + std::string(path)), HasSubstr("must end where the path")) << path;
  }
  EXPECT_THAT(of("https://api.example/v1"), Not(HasSubstr("must end where the path")));
  EXPECT_THAT(of("https://api.example/v1/v1"), HasSubstr("names /v1 twice"));
}

TEST(Classify, ARedirectNamesItsTarget) {
  const Failure failure = OfStatus(308, "", {{"location", "https://other.example/"}});
  EXPECT_EQ(failure.kind, ModelErrorKind::kBadRequest);
  EXPECT_NE(failure.remedy, Remedy::kRetry);
  EXPECT_THAT(failure.message, AllOf(HasSubstr("base_url"), HasSubstr("https://other.example/")));
}

TEST(Classify, AWebPageIsACaptivePortalOrAWrongBaseUrl) {
  const Failure failure =
      ClassifyFault({.fault = StreamFault::kHtml, .detail = "<html><head><TITLE>Hotel\nWiFi</TITLE>"}, kEndpoint);
  EXPECT_EQ(failure.kind, ModelErrorKind::kProtocol);
  EXPECT_EQ(failure.max_attempts, 2);
  EXPECT_THAT(failure.message, AllOf(HasSubstr("Hotel WiFi"), HasSubstr("base_url"), HasSubstr("login page")));
}

struct TransportRow {
  HttpFailure failure;
  bool retryable;
  const char* word;
};

TEST(Classify, EveryTransportFailureSaysWhatToChange) {
  const std::vector<TransportRow> rows{{HttpFailure::kUnusable, false, "cannot ask"},
                                       {HttpFailure::kTrustStore, false, "certificate"},
                                       {HttpFailure::kResolve, true, "cannot resolve api.example: check base_url"},
                                       {HttpFailure::kConnect, true, "nothing listens"},
                                       {HttpFailure::kTlsHandshake, true, "really https"},
                                       {HttpFailure::kCertificate, false, "SSL_CERT_FILE"},
                                       {HttpFailure::kConnectTimeout, true, "no connection"},
                                       {HttpFailure::kFirstByteTimeout, true, "no byte"},
                                       {HttpFailure::kIdleTimeout, true, "stopped in the middle"},
                                       {HttpFailure::kDeadline, true, "deadlines.total_secs"},
                                       {HttpFailure::kNoReply, true, "broke the connection off"},
                                       {HttpFailure::kReset, true, "broke the connection off"},
                                       {HttpFailure::kTruncated, true, "broke the connection off"},
                                       {HttpFailure::kOther, true, "cannot ask"}};
  for (const TransportRow& row : rows) {
    const Failure failure = OfTransport(row.failure, "detail");
    EXPECT_EQ(failure.kind, ModelErrorKind::kDown) << row.word;
    EXPECT_EQ(failure.remedy == Remedy::kRetry, row.retryable) << row.word;
    EXPECT_THAT(failure.message, HasSubstr(row.word));
  }
}

TEST(Classify, AProxyThatCannotBeReachedIsNamedAndNotTheHost) {
  const std::vector<std::pair<HttpFailure, std::string>> rows{
      {HttpFailure::kConnect,
       "cannot connect to the proxy http://proxy:3128: nothing listens there or a firewall "
       "refuses; check HTTPS_PROXY, or name api.example in no_proxy (detail)"},
      {HttpFailure::kResolve,
       "cannot resolve the proxy http://proxy:3128: check HTTPS_PROXY, or name api.example in no_proxy"},
      {HttpFailure::kConnectTimeout,
       "no connection to api.example through the proxy http://proxy:3128 in time: check "
       "HTTPS_PROXY, or name api.example in no_proxy"},
      {HttpFailure::kProxy,
       "the proxy http://proxy:3128 does not connect to api.example (detail): check HTTPS_PROXY, "
       "or name api.example in no_proxy"}};
  for (const auto& [failure, text] : rows) {
    const HttpOutcome outcome{.failure = failure, .detail = "detail", .proxy = {"http://proxy:3128", "HTTPS_PROXY"}};
    EXPECT_EQ(ClassifyHttp(outcome, kEndpoint, kNow).message, text);
  }
}

TEST(Classify, AnUntrustedCertificateNamesTheBundle) {
  ::setenv("SSL_CERT_FILE", "/etc/hostname", 1);
  EXPECT_THAT(OfTransport(HttpFailure::kCertificate).message, HasSubstr("/etc/hostname"));
  ::unsetenv("SSL_CERT_FILE");
}

TEST(Classify, AnErrorInsideA200IsClassifiedByItsOwnWords) {
  EXPECT_EQ(OfServerError(R"({"error":{"code":429,"message":"x"}})").kind, ModelErrorKind::kRate);
  EXPECT_EQ(OfServerError(R"({"error":{"code":502,"message":"x"}})").remedy, Remedy::kRetry);
  EXPECT_EQ(OfServerError(R"({"error":{"type":"rate_limit_error","message":"x"}})").kind, ModelErrorKind::kRate);
  EXPECT_NE(OfServerError(R"({"error":{"code":"insufficient_quota","message":"x"}})").remedy, Remedy::kRetry);
  EXPECT_EQ(OfServerError(R"({"error":{"type":"authentication_error","message":"x"}})").kind, ModelErrorKind::kAuth);
  EXPECT_EQ(OfServerError(R"({"error":{"type":"invalid_request_error","message":"x"}})").kind,
            ModelErrorKind::kBadRequest);
  const Failure overloaded = OfServerError(R"({"error":{"type":"overloaded_error","message":"x"}})");
  EXPECT_EQ(overloaded.kind, ModelErrorKind::kDown);
  EXPECT_EQ(overloaded.remedy, Remedy::kRetry);
}

TEST(Classify, TheServersWordsAreOneSafeLineWithoutTheKey) {
  AddSecret("canary-key-4711");
  const Failure failure = OfStatus(401, R"({"error":{"message":"Incorrect key: canary-key-4711\n\u001b[31mred"}})");
  EXPECT_THAT(failure.message, AllOf(Not(HasSubstr("canary")), Not(HasSubstr("\n")), Not(HasSubstr("\x1b"))));
  EXPECT_LT(OfStatus(400, std::string(50'000, 'x')).message.size(), 1000u);
}

TEST(Classify, CredentialsInTheBaseUrlAreNotShown) {
  const Endpoint endpoint{.provider = "openai", .base_url = "https://me:hunter2@api.example/v1", .model = "m"};
  for (const int status : {301, 400, 401, 404, 429, 500}) {
    EXPECT_THAT(ClassifyHttp({.status = status}, endpoint, kNow).message, Not(HasSubstr("hunter2")));
  }
}

TEST(Classify, TheServerMayForbidARetry) {
  EXPECT_NE(OfStatus(503, "", {{"x-should-retry", "false"}}).remedy, Remedy::kRetry);
  EXPECT_EQ(OfStatus(503, "", {{"x-should-retry", "true"}}).remedy, Remedy::kRetry);
  EXPECT_NE(OfStatus(401, "", {{"x-should-retry", "true"}}).remedy, Remedy::kRetry);
}

struct AfterRow {
  HttpHeaders headers;
  std::optional<milliseconds> expected;
};

TEST(RetryAfter, SecondsMillisecondsAndDates) {
  // 2026-11-18 11:06:40 GMT is kNow.
  const std::vector<AfterRow> rows{{{{"retry-after", "2"}}, milliseconds(2000)},
                                   {{{"retry-after", "1.5"}}, milliseconds(1500)},
                                   {{{"retry-after-ms", "250"}}, milliseconds(250)},
                                   {{{"retry-after-ms", "250"}, {"retry-after", "9"}}, milliseconds(250)},
                                   {{{"retry-after-ms", "x"}, {"retry-after", "9"}}, milliseconds(9000)},
                                   {{{"retry-after", "Wed, 18 Nov 2026 11:06:50 GMT"}}, milliseconds(10'000)},
                                   {{{"retry-after", "Wed, 18 Nov 2026 11:06:00 GMT"}}, std::nullopt},
                                   {{{"retry-after", "-1"}}, std::nullopt},
                                   {{{"retry-after", "NaN"}}, std::nullopt},
                                   {{{"retry-after", "inf"}}, std::nullopt},
                                   {{{"retry-after", "soon"}}, std::nullopt},
                                   {{{"retry-after", "1e300"}}, milliseconds(24 * 3600 * 1000)},
                                   {{}, std::nullopt}};
  for (const AfterRow& row : rows) {
    const std::string shown = row.headers.empty() ? "" : row.headers.begin()->second;
    EXPECT_EQ(RetryAfter(row.headers, kNow), row.expected) << shown;
  }
}

}  // namespace
}  // namespace rune::agent
