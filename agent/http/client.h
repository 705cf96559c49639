#pragma once
/// HTTP/1.1 requests on the event loop, through libcurl's socket interface (libcurl-multi(3)). Connections are kept
/// and reused for as long as the client lives.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/event_loop.h"

namespace rune::agent {

/// Names in lower case; of a repeated header the last value.
using HttpHeaders = std::map<std::string, std::string>;

struct HttpTimeouts {
  Milliseconds connect{10'000};     ///< Name, TCP and TLS together.
  Milliseconds first_byte{60'000};  ///< From the connection to the first byte of the response.
  Milliseconds idle{30'000};        ///< Between two pieces of the response.
  TimePoint deadline = kNever;      ///< Of the whole request.
};

struct HttpRequest {
  std::string url;                   ///< http or https.
  std::vector<std::string> headers;  ///< "Name: value"
  std::optional<std::string> body;   ///< POST when set, else GET.
  HttpTimeouts timeouts;
};

/// Why there is no complete response.
enum class HttpFailure : std::uint8_t {
  kNone,
  kUnusable,    ///< libcurl is missing, or the URL is none.
  kTrustStore,  ///< The certificate bundle cannot be used.
  kResolve,
  kConnect,  ///< Refused or unreachable.
  kProxy,    ///< It does not open a tunnel.
  kTlsHandshake,
  kCertificate,  ///< The peer's certificate is not trusted, or not for this host.
  kConnectTimeout,
  kFirstByteTimeout,
  kIdleTimeout,
  kDeadline,
  kNoReply,  ///< Closed before the first byte.
  kReset,
  kTruncated,  ///< Closed before the announced end.
  kOther,
};

struct HttpProxy {
  std::string address;   ///< Without credentials: "http://proxy:3128"; empty: none.
  std::string variable;  ///< That names it: "https_proxy".
};

struct HttpOutcome {
  HttpFailure failure = HttpFailure::kNone;
  int status = 0;  ///< 0: no response began.
  HttpHeaders headers;
  std::string error_body;  ///< Of a status outside 200..299; at most kMaxErrorBody bytes. Untrusted.
  std::string detail;      ///< Of a failure: libcurl's words, or the file that is missing.
  HttpProxy proxy;         ///< What the request went through.
};

inline constexpr std::size_t kMaxErrorBody = 64u << 10;

/// Any of them may be empty. on_headers and on_body come only for status 200..299; both may call Cancel() but not
/// Start(). on_done is the last one, comes exactly once unless cancelled, and may do anything but destroy the client.
struct HttpHandler {
  std::function<void(int status, const HttpHeaders& headers)> on_headers;
  std::function<void(std::string_view bytes)> on_body;
  std::function<void(const HttpOutcome& outcome)> on_done;
};

/// Redirects are not followed (a key must not travel on), certificates are always checked. A request that dies
/// without a reply on a reused connection, which the server had closed meanwhile, is sent once more on a fresh one.
class HttpClient {
 public:
  using RequestId = std::uint64_t;

  /// `loop` must outlive the client.
  explicit HttpClient(EventLoop& loop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Never fails at once: every outcome comes through on_done, from the loop.
  RequestId Start(HttpRequest request, HttpHandler handler);
  /// Closes the request's connection; no callback of it runs afterwards. Unknown ids are ignored.
  void Cancel(RequestId id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rune::agent
