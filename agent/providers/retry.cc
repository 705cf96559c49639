#include "agent/providers/retry.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <string_view>

#include "agent/http/network_settings.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLongestDelay{30'000};
constexpr milliseconds kLongestRetryAfter{24 * 3600 * 1000};

bool ContainsAny(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [text](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

/// The fixed part of a message, then what the server said, if anything.
std::string Line(const std::string& what, const std::string& server_words) {
  std::string line = what;
  if (!server_words.empty()) line += " (it says: " + OneLine(Redact(server_words), 300) + ")";
  return Redact(OneLine(line, 700));
}

std::string HostOf(const std::string& url) {
  const std::size_t scheme = url.find("://");
  std::string host = scheme == std::string::npos ? url : url.substr(scheme + 3);
  host = host.substr(0, host.find('/'));
  const std::size_t user = host.rfind('@');
  return user == std::string::npos ? host : host.substr(user + 1);
}

/// base_url without what a person may have put before the host.
std::string ShownUrl(const Endpoint& endpoint) {
  const std::size_t scheme = endpoint.base_url.find("://");
  const std::size_t user = endpoint.base_url.find('@');
  if (scheme == std::string::npos || user == std::string::npos || user < scheme) return endpoint.base_url;
  return endpoint.base_url.substr(0, scheme + 3) + endpoint.base_url.substr(user + 1);
}

std::string TitleOf(const std::string& page) {
  const std::string lower = ToLower(page);
  const std::size_t open = lower.find("<title");
  const std::size_t start = open == std::string::npos ? open : lower.find('>', open);
  if (start == std::string::npos) return OneLine(page, 80);
  return OneLine(Trim(std::string_view(page).substr(start + 1, lower.find("</title", start) - start - 1)), 80);
}

Failure PageFailure(const std::string& page, const Endpoint& endpoint) {
  return {.kind = ModelErrorKind::kProtocol,
          .retryable = true,
          .max_attempts = 2,
          .message = Line(HostOf(endpoint.base_url) + " answers with a web page titled \"" + TitleOf(page) +
                              "\": base_url (" + ShownUrl(endpoint) +
                              ") is not the address of an API, or a login page of the network stands in between",
                          "")};
}

Failure TransportFailure(const HttpOutcome& outcome, const Endpoint& endpoint) {
  const std::string host = HostOf(endpoint.base_url);
  const auto down = [&](const std::string& what) {
    return Failure{.kind = ModelErrorKind::kDown, .retryable = true, .message = Line(what, "")};
  };
  const auto fatal = [&](const std::string& what) {
    return Failure{.kind = ModelErrorKind::kDown, .retryable = false, .message = Line(what, "")};
  };
  switch (outcome.failure) {
    case HttpFailure::kUnusable:
      return fatal("cannot ask " + ShownUrl(endpoint) + ": " + outcome.detail);
    case HttpFailure::kTrustStore:
      return fatal("cannot check the certificate of " + host + ": " + outcome.detail);
    case HttpFailure::kResolve:
      return down("cannot resolve " + host + ": check base_url, the network and its proxy settings");
    case HttpFailure::kConnect:
      return down("cannot connect to " + host + ": nothing listens there or a firewall refuses; check base_url (" +
                  outcome.detail + ")");
    case HttpFailure::kTlsHandshake:
      return down("no TLS with " + host + ": is base_url really https? (" + outcome.detail + ")");
    case HttpFailure::kCertificate: {
      const auto trust = FindTrustStore();
      return fatal("the certificate of " + host + " is not trusted by " + (trust.ok() ? trust->path() : "") +
                   ": add its authority there or set SSL_CERT_FILE (" + outcome.detail + ")");
    }
    case HttpFailure::kConnectTimeout:
      return down("no connection to " + host + " in time: check base_url and the network");
    case HttpFailure::kFirstByteTimeout:
      return down(host + " took the request but sent no byte in time");
    case HttpFailure::kIdleTimeout:
      return down(host + " stopped in the middle of its answer");
    case HttpFailure::kDeadline:
      return {.kind = ModelErrorKind::kDeadline, .message = "the run's time was up while waiting for " + host};
    case HttpFailure::kNoReply:
    case HttpFailure::kReset:
    case HttpFailure::kTruncated:
      return down(host + " broke the connection off (" + outcome.detail + ")");
    case HttpFailure::kNone:
    case HttpFailure::kOther:
      break;
  }
  return down("cannot ask " + host + ": " + outcome.detail);
}

bool IsQuota(const ServerError& error) {
  const std::string words = ToLower(error.code + " " + error.type + " " + error.message);
  return ContainsAny(words, {"insufficient_quota", "insufficient_credits", "payment_required", "billing",
                             "exceeded your current quota", "perday", "per day"});
}

bool IsOverflow(const ServerError& error) {
  const std::string words = ToLower(error.code + " " + error.type + " " + error.message);
  return ContainsAny(
      words, {"context_length_exceeded", "prompt is too long", "exceeds the context window", "maximum context length",
              "exceeds the maximum number of tokens", "exceeds the available context", "exceed_context_size",
              "model_max_prompt_tokens_exceeded", "prompt token count of", "maximum prompt length is",
              "reduce the length of the messages", "greater than the context length", "context window exceeds limit",
              "exceeded model token limit", "input is too long"});
}

bool IsRetryableStatus(int status) {
  constexpr std::array<int, 15> kStatuses{408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529, 499};
  return std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
}

/// The meaning of a status together with the server's own error object.
Failure StatusFailure(int status, const ServerError& error, const Endpoint& endpoint) {
  const std::string host = HostOf(endpoint.base_url);
  const std::string code = " (" + std::to_string(status) + ")";
  const auto make = [&](ModelErrorKind kind, const std::string& what) {
    return Failure{.kind = kind, .retryable = false, .message = Line(what, error.message)};
  };
  if (status == 402 || ((status == 429 || status == 403) && IsQuota(error))) {
    return make(ModelErrorKind::kRate,
                "the quota of this key at " + host + " is spent" + code + ": add credit or use another key");
  }
  if (status == 429) {
    Failure failure =
        make(ModelErrorKind::kRate, host + " limits the rate of requests" + code + ": wait, or ask for a higher limit");
    failure.retryable = true;
    return failure;
  }
  if (status == 401 || status == 403 || status == 407) {
    const std::string what = status == 407 ? "the proxy refuses: check the proxy settings"
                                           : host + " refuses the key: check api_key (RUNE_API_KEY) for provider \"" +
                                                 endpoint.provider + "\"";
    return make(ModelErrorKind::kAuth, what + code);
  }
  if (IsRetryableStatus(status)) {
    Failure failure = make(ModelErrorKind::kDown, host + " is in trouble" + code + ": try again later");
    failure.retryable = true;
    return failure;
  }
  if (IsOverflow(error)) {
    return make(ModelErrorKind::kBadRequest, "the conversation is longer than model \"" + endpoint.model +
                                                 "\" can read" + code + ": lower context_window");
  }
  if (status == 404 || status == 405) {
    return make(ModelErrorKind::kBadRequest, "nothing at " + ShownUrl(endpoint) + "/chat/completions" + code +
                                                 ": check base_url and model \"" + endpoint.model + "\"");
  }
  if (status == 413) return make(ModelErrorKind::kBadRequest, "the request is too large for " + host + code);
  if (status >= 500) return make(ModelErrorKind::kDown, host + " fails" + code);
  return make(ModelErrorKind::kBadRequest, host + " does not accept the request" + code);
}

}  // namespace

std::optional<milliseconds> RetryAfter(const HttpHeaders& headers, std::int64_t unix_now) {
  const auto bounded = [](double ms) -> std::optional<milliseconds> {
    if (!std::isfinite(ms) || ms < 0) return std::nullopt;
    return milliseconds(static_cast<std::int64_t>(std::min(ms, static_cast<double>(kLongestRetryAfter.count()))));
  };
  if (const auto ms = headers.find("retry-after-ms"); ms != headers.end()) {
    if (const auto number = ParseDouble(Trim(ms->second))) {
      if (const auto delay = bounded(*number)) return delay;
    }
  }
  const auto after = headers.find("retry-after");
  if (after == headers.end()) return std::nullopt;
  if (const auto seconds = ParseDouble(Trim(after->second))) return bounded(*seconds * 1000);
  std::tm date{};
  const char* const rest = ::strptime(after->second.c_str(), "%a, %d %b %Y %H:%M:%S", &date);
  if (rest == nullptr) return std::nullopt;
  return bounded(static_cast<double>(::timegm(&date) - unix_now) * 1000);
}

Failure ClassifyHttp(const HttpOutcome& outcome, const Endpoint& endpoint, std::int64_t unix_now) {
  if (outcome.failure != HttpFailure::kNone) return TransportFailure(outcome, endpoint);
  if (outcome.status >= 300 && outcome.status < 400) {
    const auto location = outcome.headers.find("location");
    return {.kind = ModelErrorKind::kBadRequest,
            .message = Line(HostOf(endpoint.base_url) + " redirects (" + std::to_string(outcome.status) +
                                "), which is not followed: set base_url to where the API is",
                            location == outcome.headers.end() ? "" : location->second)};
  }
  ServerError error = ReadServerError(outcome.error_body);
  const std::string_view body = Trim(outcome.error_body);
  if (!error.found)
    error.message = body.starts_with('<') ? "a page titled " + TitleOf(outcome.error_body) : body.substr(0, 200);
  Failure failure = StatusFailure(outcome.status, error, endpoint);
  failure.retry_after = RetryAfter(outcome.headers, unix_now);
  const auto advice = outcome.headers.find("x-should-retry");
  if (advice != outcome.headers.end() && advice->second == "false") failure.retryable = false;
  return failure;
}

Failure ClassifyFault(const Decoded& decoded, const Endpoint& endpoint) {
  const std::string host = HostOf(endpoint.base_url);
  const auto protocol = [&](const std::string& what) {
    return Failure{.kind = ModelErrorKind::kProtocol, .retryable = true, .message = Line(what, decoded.detail)};
  };
  switch (decoded.fault) {
    case StreamFault::kNone:
      return protocol(host + " sent an empty answer");
    case StreamFault::kTruncated:
      return protocol(host + " ended its answer before it was complete");
    case StreamFault::kMalformed:
      return protocol(host + " does not speak the chat completions protocol: check base_url");
    case StreamFault::kHtml:
      return PageFailure(decoded.detail, endpoint);
    case StreamFault::kTooLarge: {
      Failure failure = protocol("the answer of " + host + " is larger than any answer");
      failure.retryable = false;
      return failure;
    }
    case StreamFault::kServerError:
      break;
  }
  const ServerError& error = decoded.error;
  if (error.status != 0) return StatusFailure(error.status, error, endpoint);
  const std::string words = ToLower(error.code + " " + error.type);
  if (IsQuota(error) || ContainsAny(words, {"rate_limit", "resource_exhausted"}))
    return StatusFailure(429, error, endpoint);
  if (ContainsAny(words, {"authentication", "invalid_api_key", "permission"}))
    return StatusFailure(401, error, endpoint);
  if (IsOverflow(error) || ContainsAny(words, {"invalid_request", "not_found"}))
    return StatusFailure(400, error, endpoint);
  return StatusFailure(503, error, endpoint);
}

std::optional<milliseconds> NextDelay(const RetryConfig& config, const RetryState& state, const Failure& failure,
                                      double random) {
  if (!failure.retryable || state.attempts >= std::min(config.attempts, failure.max_attempts)) return std::nullopt;
  milliseconds ceiling = std::min(config.base, kLongestDelay);
  for (int i = 1; i < state.attempts && ceiling < kLongestDelay; ++i) ceiling = std::min(ceiling * 2, kLongestDelay);
  milliseconds delay(static_cast<std::int64_t>(static_cast<double>(ceiling.count()) * random));
  if (failure.retry_after && failure.retry_after->count() > 0) delay = *failure.retry_after;
  // Better to say now how long the server wants to be left alone than to be silent for that long.
  if (state.waited + delay > config.total_wait) return std::nullopt;
  return delay;
}

}  // namespace rune::agent
