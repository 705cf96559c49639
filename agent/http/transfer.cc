#include "agent/http/transfer.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "agent/http/url.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

HttpFailure FailureOf(CURLcode code, Transfer::Phase phase) {
  // A table in words; libcurl has a hundred codes, and those not named here have nothing of their own to say.
  if (code == CURLE_OK) return HttpFailure::kNone;
  if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY) return HttpFailure::kResolve;
  if (code == CURLE_COULDNT_CONNECT) return HttpFailure::kConnect;
  if (code == CURLE_SSL_CONNECT_ERROR) return HttpFailure::kTlsHandshake;
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR) return HttpFailure::kCertificate;
  if (code == CURLE_SSL_CACERT_BADFILE) return HttpFailure::kTrustStore;
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT) return HttpFailure::kUnusable;
  if (code == CURLE_GOT_NOTHING) return HttpFailure::kNoReply;
  if (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR) return HttpFailure::kReset;
  if (code == CURLE_PARTIAL_FILE) return HttpFailure::kTruncated;
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return phase == Transfer::Phase::kConnecting ? HttpFailure::kConnectTimeout : HttpFailure::kIdleTimeout;
  }
  return HttpFailure::kOther;
}

}  // namespace

Transfer::Transfer(const CurlApi& api, HttpRequest request, HttpHandler handler)
    : api_(api), request_(std::move(request)), handler_(std::move(handler)) {}

Transfer::~Transfer() { Release(); }

void Transfer::Release() {
  if (easy_ != nullptr) api_.easy_cleanup(std::exchange(easy_, nullptr));
  if (headers_ != nullptr) api_.slist_free_all(std::exchange(headers_, nullptr));
}

Result<void> Transfer::Prepare() {
  Release();
  easy_ = api_.easy_init();
  if (easy_ == nullptr) return Error{ErrorKind::kUnavailable, "libcurl cannot make a handle"};
  outcome_ = {};
  error_.front() = '\0';
  Enter(Phase::kConnecting);

  bool accepted = true;
  const auto set = [this, &accepted](CURLoption option, auto value) {
    accepted = api_.easy_setopt(easy_, option, value) == CURLE_OK && accepted;
  };
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_ERRORBUFFER, error_.data());
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));  // streams over h2 stall in 7.88
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // removing a handle must not wait for its resolver thread
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.timeouts.connect.count()));
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, 30L);
  set(CURLOPT_TCP_KEEPINTVL, 15L);
  set(CURLOPT_MAXAGE_CONN, 50L);  // load balancers drop idle connections after 60 s
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_USERAGENT, "rune/" RUNE_VERSION);
  set(CURLOPT_NOPROXY, IsReachedDirectly(SplitUrl(request_.url).host) ? "*" : "");  // never its own reading of no_proxy
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_PREREQFUNCTION, &Transfer::OnConnected);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::OpenSocket);
  set(CURLOPT_VERBOSE, 1L);  // for OnNote()
  set(CURLOPT_DEBUGFUNCTION, &Transfer::OnNote);
  set(CURLOPT_DEBUGDATA, static_cast<void*>(this));
  headers_ = api_.slist_append(nullptr, "Expect:");  // else a body over 1 MB waits a second for "100 Continue"
  for (const std::string& header : request_.headers) headers_ = api_.slist_append(headers_, header.c_str());
  set(CURLOPT_HTTPHEADER, headers_);
  if (request_.body) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body->size()));
    set(CURLOPT_POSTFIELDS, request_.body->data());
  }
  if (request_.url.starts_with("https:")) {
    RUNE_ASSIGN_OR_RETURN(const TrustStore trust, FindTrustStore());
    if (!trust.file.empty()) set(CURLOPT_CAINFO, trust.file.c_str());
    if (!trust.directory.empty()) set(CURLOPT_CAPATH, trust.directory.c_str());
  }
  if (!accepted) return Error{ErrorKind::kUnavailable, "libcurl is older than 7.87"};
  return Ok();
}

void Transfer::Enter(Phase phase) {
  phase_ = phase;
  since_ = Clock::now();
}

TimePoint Transfer::due() const {
  const HttpTimeouts& limits = request_.timeouts;
  Milliseconds limit{};
  switch (phase_) {
    case Phase::kConnecting:
      limit = limits.connect;
      break;
    case Phase::kWaiting:
      limit = limits.first_byte;
      break;
    case Phase::kReceiving:
      limit = limits.idle;
      break;
  }
  return std::min(since_ + limit, limits.deadline);
}

HttpFailure Transfer::OverdueFailure(TimePoint now) const {
  if (now >= request_.timeouts.deadline) return HttpFailure::kDeadline;
  switch (phase_) {
    case Phase::kConnecting:
      return HttpFailure::kConnectTimeout;
    case Phase::kWaiting:
      return HttpFailure::kFirstByteTimeout;
    case Phase::kReceiving:
      break;
  }
  return HttpFailure::kIdleTimeout;
}

HttpOutcome Transfer::Conclude(CURLcode code) {
  if (enough_) code = CURLE_OK;  // we stopped it ourselves
  const std::string_view words(error_.data());
  if (code == CURLE_COULDNT_RESOLVE_HOST) outcome_.proxy = {};  // a proxy that leaves names to us is not to blame
  long connect_status = 0;
  api_.easy_getinfo(easy_, CURLINFO_HTTP_CONNECTCODE, &connect_status);
  if (code != CURLE_OK && connect_status >= 300 && !announced_) {
    return Conclude(HttpFailure::kProxy, "status " + std::to_string(connect_status));
  }
  return Conclude(FailureOf(code, phase_),
                  words.empty() && code != CURLE_OK ? api_.easy_strerror(code) : std::string(words));
}

HttpOutcome Transfer::Conclude(HttpFailure failure, std::string detail) {
  // A status that is an error says more than the way in which its body ended.
  outcome_.failure = announced_ && !succeeded() ? HttpFailure::kNone : failure;
  outcome_.detail = outcome_.failure == HttpFailure::kNone ? std::string() : std::move(detail);
  return std::move(outcome_);
}

std::size_t Transfer::OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
  Transfer& transfer = *static_cast<Transfer*>(self);
  transfer.Enter(Phase::kReceiving);
  if (!transfer.stopped_) transfer.TakeHeaderLine(Trim({data, size * count}));
  return transfer.stopped_ ? 0 : size * count;
}

void Transfer::TakeHeaderLine(std::string_view line) {
  if (announced_) return;  // a trailer
  if (line.starts_with("HTTP/")) {
    outcome_.headers.clear();  // of an interim response
  } else if (!line.empty()) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    outcome_.headers[ToLower(line.substr(0, colon))] = Trim(line.substr(colon + 1));
  } else {
    long status = 0;
    api_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) return;
    outcome_.status = static_cast<int>(status);
    announced_ = true;
    if (succeeded() && handler_.on_headers) handler_.on_headers(outcome_.status, outcome_.headers);
  }
}

std::size_t Transfer::OnBody(char* data, std::size_t size, std::size_t count, void* self) {
  Transfer& transfer = *static_cast<Transfer*>(self);
  transfer.Enter(Phase::kReceiving);
  return !transfer.stopped_ && transfer.TakeBody({data, size * count}) ? size * count : 0;
}

bool Transfer::TakeBody(std::string_view bytes) {
  if (succeeded()) {
    if (handler_.on_body) handler_.on_body(bytes);
    return !stopped_;
  }
  outcome_.error_body.append(bytes.substr(0, kMaxErrorBody - outcome_.error_body.size()));
  enough_ = outcome_.error_body.size() == kMaxErrorBody;
  return !enough_;
}

int Transfer::OnConnected(void* self, char*, char*, int, int) {
  static_cast<Transfer*>(self)->Enter(Phase::kWaiting);
  return CURL_PREREQFUNC_OK;
}

/// Which proxy a request takes libcurl decides by half a dozen variables, and says it nowhere else before 8.7:
/// "Uses proxy env variable https_proxy == 'http://user:password@proxy:3128'".
int Transfer::OnNote(CURL*, curl_infotype kind, char* data, std::size_t size, void* self) {
  constexpr std::string_view kUses = "Uses proxy env variable ";
  constexpr std::string_view kIs = " == '";
  std::string_view note(data, size);
  if (kind != CURLINFO_TEXT || !note.starts_with(kUses)) return 0;
  note = Trim(note.substr(kUses.size()));
  const std::size_t middle = note.find(kIs);
  if (middle == std::string_view::npos || !note.ends_with('\'')) return 0;
  std::string url(note.substr(middle + kIs.size()));
  url.pop_back();
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  static_cast<Transfer*>(self)->outcome_.proxy = {SplitUrl(url).Origin(), std::string(note.substr(0, middle))};
  return 0;
}

curl_socket_t Transfer::OpenSocket(void*, curlsocktype, struct curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace rune::agent
