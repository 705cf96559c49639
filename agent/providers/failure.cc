#include "agent/providers/failure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <string_view>

#include "agent/http/network_settings.h"
#include "agent/http/url.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLongestRetryAfter{24 * 3600 * 1000};

std::string HostOf(const Endpoint& endpoint) { return SplitUrl(endpoint.base_url).Authority(); }

/// base_url without what a person may have put before the host.
std::string ShownUrl(const Endpoint& endpoint) {
  const UrlParts url = SplitUrl(endpoint.base_url);
  return url.Origin() + url.path;
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
          .remedy = Remedy::kRetry,
          .max_attempts = 2,
          .message = FailureLine(HostOf(endpoint) + " answers with a web page titled \"" + TitleOf(page) +
                                     "\": base_url (" + ShownUrl(endpoint) +
                                     ") is not the address of an API, or a login page of the network stands in between",
                                 "")};
}

std::string CertificateText(const std::string& host, const std::string& detail) {
  const auto trust = FindTrustStore();
  return "the certificate of " + host + " is not trusted by " + (trust.ok() ? trust->path() : "any file") +
         ": add its authority there or set SSL_CERT_FILE (" + detail + ")";
}

/// No way to the host, or to the proxy before it.
std::string NoConnectionText(const HttpOutcome& outcome, const std::string& host) {
  const HttpProxy& proxy = outcome.proxy;
  const bool direct = proxy.address.empty();
  const std::string whom = direct ? host : "the proxy " + proxy.address;
  const std::string check = direct ? "base_url" : proxy.variable + ", or name " + host + " in no_proxy";
  if (outcome.failure == HttpFailure::kResolve) {
    return "cannot resolve " + whom + ": check " + (direct ? "base_url, the network and its proxy settings" : check);
  }
  if (outcome.failure == HttpFailure::kConnectTimeout) {
    return "no connection to " + host + (direct ? "" : " through " + whom) + " in time: check " +
           (direct ? "base_url and the network" : check);
  }
  return "cannot connect to " + whom + ": nothing listens there or a firewall refuses; check " + check + " (" +
         outcome.detail + ")";
}

Failure TransportFailure(const HttpOutcome& outcome, const Endpoint& endpoint) {
  const std::string host = HostOf(endpoint);
  const auto down = [&](const std::string& what) {
    return Failure{.kind = ModelErrorKind::kDown, .remedy = Remedy::kRetry, .message = FailureLine(what, "")};
  };
  const auto fatal = [&](const std::string& what) {
    return Failure{.kind = ModelErrorKind::kDown, .message = FailureLine(what, "")};
  };
  switch (outcome.failure) {
    case HttpFailure::kUnusable:
      return fatal("cannot ask " + ShownUrl(endpoint) + ": " + outcome.detail);
    case HttpFailure::kTrustStore:
      return fatal("cannot check the certificate of " + host + ": " + outcome.detail);
    case HttpFailure::kResolve:
    case HttpFailure::kConnect:
    case HttpFailure::kConnectTimeout:
      return down(NoConnectionText(outcome, host));
    case HttpFailure::kProxy:
      return fatal("the proxy " + outcome.proxy.address + " does not connect to " + host + " (" + outcome.detail +
                   "): check " + outcome.proxy.variable + ", or name " + host + " in no_proxy");
    case HttpFailure::kTlsHandshake:
      return down("no TLS with " + host + ": is base_url really https? (" + outcome.detail + ")");
    case HttpFailure::kCertificate:
      return fatal(CertificateText(host, outcome.detail));
    case HttpFailure::kFirstByteTimeout:
      return down(host + " took the request but sent no byte in time (deadlines.first_byte_secs)");
    case HttpFailure::kIdleTimeout:
      return down(host + " stopped in the middle of its answer (deadlines.idle_secs)");
    case HttpFailure::kDeadline:
      return down(host + " did not complete its answer in time (deadlines.total_secs)");
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

std::string WordsOf(const ServerError& error) { return ToLower(error.code + " " + error.type + " " + error.message); }

bool IsQuota(const ServerError& error) {
  return ContainsAny(WordsOf(error), {"insufficient_quota", "insufficient_credits", "payment_required", "billing",
                                      "exceeded your current quota", "perday", "per day"});
}

bool IsOverflow(const ServerError& error) {
  const std::string words = WordsOf(error);
  return ContainsAny(words, {"context_length_exceeded", "prompt is too long", "exceeds the context window",
                             "maximum context length", "exceeds the maximum number of tokens",
                             "exceeds the available context", "exceed_context_size", "model_max_prompt_tokens_exceeded",
                             "prompt token count of", "maximum prompt length is", "reduce the length of the messages",
                             "greater than the context length", "context window exceeds limit",
                             "exceeded model token limit", "input is too long", "exceed context limit"}) ||
         (words.find("input token count") != std::string::npos && words.find("exceeds") != std::string::npos);
}

bool IsRetryableStatus(int status) {
  constexpr std::array<int, 15> kStatuses{408, 409, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529};
  return std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
}

/// Whether `url` ends in the path that requests of a wire have.
bool NamesARequest(std::string_view url) {
  return std::any_of(kWires.begin(), kWires.end(), [url](Wire wire) {
    const std::string_view path = FormatOf(wire).path;
    return !path.empty() && url.ends_with(path);
  });
}

/// Why there is nothing at the address.
std::string MissingText(const std::string& code, const ServerError& error, const Endpoint& endpoint) {
  const std::string model = "model \"" + endpoint.model + "\"";
  if (error.found && ContainsAny(WordsOf(error), {"model"})) {
    return HostOf(endpoint) + " has no " + model + " for this key" + code + ": `rune models` lists what there is";
  }
  const std::string url = ShownUrl(endpoint);
  std::string why = "check base_url and " + model;
  if (url.ends_with("/v1/v1")) {
    why = "base_url names /v1 twice";
  } else if (NamesARequest(url)) {
    why = "base_url must end where the path of the request begins";
  } else if (SplitUrl(url).path.empty()) {
    why += "; most base URLs end in /v1";
  }
  return "nothing at " + url + endpoint.path + code + ": " + why;
}

/// 401, 403 and 407, and 400 that speaks of the key: who does not let us in, and what to change.
Failure RefusedFailure(int status, const ServerError& error, const Endpoint& endpoint) {
  const std::string code = " (" + std::to_string(status) + ")";
  Failure failure{.kind = ModelErrorKind::kAuth};
  std::string what = "the proxy refuses: check the proxy settings" + code;
  if (status == 401 || status == 400) {
    failure.remedy = Remedy::kRenew;
    what = HostOf(endpoint) + " refuses the key: check api_key (RUNE_API_KEY) for provider \"" + endpoint.provider +
           "\"" + code;
  } else if (status == 403) {
    if (ContainsAny(WordsOf(error), {"token expired"})) failure.remedy = Remedy::kRenew;
    what = HostOf(endpoint) + " refuses" + code + ": check api_key (RUNE_API_KEY) for provider \"" + endpoint.provider +
           "\", and whether it may use model \"" + endpoint.model + "\"";
  }
  failure.message = FailureLine(what, error.message);
  return failure;
}

/// The meaning of a status together with the server's own error object.
Failure StatusFailure(int status, const ServerError& error, const Endpoint& endpoint) {
  const std::string host = HostOf(endpoint);
  const std::string code = " (" + std::to_string(status) + ")";
  const auto make = [&](ModelErrorKind kind, Remedy remedy, const std::string& what) {
    return Failure{.kind = kind, .remedy = remedy, .message = FailureLine(what, error.message)};
  };
  if (status == 402 || ((status == 429 || status == 403) && IsQuota(error))) {
    return make(ModelErrorKind::kRate, Remedy::kNone,
                "the quota of this key at " + host + " is spent" + code + ": add credit or use another key");
  }
  if (status == 429 || (status == 403 && ContainsAny(WordsOf(error), {"rate limit"}))) {
    return make(ModelErrorKind::kRate, Remedy::kRetry,
                host + " limits the rate of requests" + code + ": wait, or ask for a higher limit");
  }
  if (status == 401 || status == 403 || status == 407 ||
      (status == 400 && ContainsAny(WordsOf(error), {"api_key_invalid", "api key not valid"}))) {
    return RefusedFailure(status, error, endpoint);
  }
  // Some tell of an overflow with 500, others with no word at all.
  const bool mute = (status == 400 && error.message.empty()) || status == 413;
  if (IsOverflow(error) || mute) {
    Failure failure = make(ModelErrorKind::kTooLong, Remedy::kNone,
                           "the conversation is longer than " + host + " takes for model \"" + endpoint.model + "\"" +
                               code + ": lower context_window");
    // Room for the answer counts, too: less of it may be enough.
    if (ContainsAny(WordsOf(error), {"max_tokens"})) failure.remedy = Remedy::kDegrade;
    failure.words = error.message;
    return failure;
  }
  if (IsRetryableStatus(status)) {
    return make(ModelErrorKind::kDown, Remedy::kRetry, host + " is in trouble" + code + ": try again later");
  }
  if (status == 404 || status == 405) {
    return make(ModelErrorKind::kBadRequest, Remedy::kNone, MissingText(code, error, endpoint));
  }
  if (status == 466) {
    return make(ModelErrorKind::kBadRequest, Remedy::kNone,
                host + " wants a newer client" + code + ": set the versions in the headers of `caps`");
  }
  if (status >= 500) return make(ModelErrorKind::kDown, Remedy::kNone, host + " fails" + code);
  Failure failure = make(ModelErrorKind::kBadRequest, Remedy::kDegrade, host + " does not accept the request" + code);
  failure.words = error.message + " " + error.code + " " + error.type;
  return failure;
}

std::optional<milliseconds> Bounded(double ms) {
  if (!std::isfinite(ms) || ms < 0) return std::nullopt;
  return milliseconds(static_cast<std::int64_t>(std::min(ms, static_cast<double>(kLongestRetryAfter.count()))));
}

/// Google's Duration in JSON: "34.4s".
std::optional<milliseconds> RetryDelay(std::string_view text) {
  if (!text.ends_with('s')) return std::nullopt;
  const auto seconds = ParseDouble(text.substr(0, text.size() - 1));
  return seconds ? Bounded(*seconds * 1000) : std::nullopt;
}

}  // namespace

std::string FailureLine(const std::string& what, const std::string& server_words) {
  std::string line = what;
  if (!server_words.empty()) line += " (it says: " + OneLine(Redact(server_words), 300) + ")";
  return Redact(OneLine(line, 700));
}

std::optional<milliseconds> RetryAfter(const HttpHeaders& headers, std::int64_t unix_now) {
  if (const auto ms = headers.find("retry-after-ms"); ms != headers.end()) {
    if (const auto number = ParseDouble(Trim(ms->second))) {
      if (const auto delay = Bounded(*number)) return delay;
    }
  }
  const auto after = headers.find("retry-after");
  if (after == headers.end()) return std::nullopt;
  if (const auto seconds = ParseDouble(Trim(after->second))) return Bounded(*seconds * 1000);
  std::tm date{};
  const char* const rest = ::strptime(after->second.c_str(), "%a, %d %b %Y %H:%M:%S", &date);
  if (rest == nullptr) return std::nullopt;
  return Bounded(static_cast<double>(::timegm(&date) - unix_now) * 1000);
}

Failure ClassifyHttp(const HttpOutcome& outcome, const Endpoint& endpoint, std::int64_t unix_now) {
  if (outcome.failure != HttpFailure::kNone) return TransportFailure(outcome, endpoint);
  if (outcome.status >= 300 && outcome.status < 400) {
    const auto location = outcome.headers.find("location");
    return {.kind = ModelErrorKind::kBadRequest,
            .message =
                FailureLine(HostOf(endpoint) + " redirects (" + std::to_string(outcome.status) +
                                "), which is not followed: set base_url to where the API is, or log in to the network",
                            location == outcome.headers.end() ? "" : location->second)};
  }
  ServerError error = ReadServerError(outcome.error_body);
  const std::string_view body = Trim(outcome.error_body);
  if (!error.found)
    error.message = body.starts_with('<') ? "a page titled " + TitleOf(outcome.error_body) : body.substr(0, 200);
  Failure failure = StatusFailure(outcome.status, error, endpoint);
  failure.retry_after = RetryAfter(outcome.headers, unix_now);
  if (!failure.retry_after) failure.retry_after = RetryDelay(error.retry_delay);
  const auto advice = outcome.headers.find("x-should-retry");
  if (advice != outcome.headers.end() && advice->second == "false" && failure.remedy == Remedy::kRetry) {
    failure.remedy = Remedy::kNone;
  }
  return failure;
}

Failure ClassifyFault(const Decoded& decoded, const Endpoint& endpoint) {
  const std::string host = HostOf(endpoint);
  const auto protocol = [&](Remedy remedy, const std::string& what) {
    return Failure{.kind = ModelErrorKind::kProtocol, .remedy = remedy, .message = FailureLine(what, decoded.detail)};
  };
  switch (decoded.fault) {
    case StreamFault::kNone:
      return protocol(Remedy::kAtOnce, host + " sent an empty answer");
    case StreamFault::kTruncated:
      return protocol(Remedy::kRetry, host + " ended its answer before it was complete");
    case StreamFault::kMalformed:
      return protocol(Remedy::kRetry, host + " does not speak the protocol that is expected at " + ShownUrl(endpoint) +
                                          endpoint.path + ": check base_url and `wire`");
    case StreamFault::kHtml:
      return PageFailure(decoded.detail, endpoint);
    case StreamFault::kTooLarge:
      return {.kind = ModelErrorKind::kProtocol,
              .message = FailureLine("the answer of " + host + " is larger than any answer: " + decoded.detail, "")};
    case StreamFault::kServerError:
      break;
  }
  const ServerError& error = decoded.error;
  if (error.code == "MALFORMED_FUNCTION_CALL" || error.code == "UNEXPECTED_TOOL_CALL") {
    // The dice fall otherwise most of the time; when they do not, it is the tools that the model stumbles over.
    return {.kind = ModelErrorKind::kProtocol,
            .remedy = Remedy::kRetry,
            .max_attempts = 3,
            .message = FailureLine(host + " could not read the tool call that its own model made", error.message)};
  }
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

}  // namespace rune::agent
