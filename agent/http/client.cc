#include "agent/http/client.h"

#include <poll.h>

#include <utility>

#include "agent/http/curl_api.h"
#include "agent/http/transfer.h"

namespace rune::agent {

/// Joins libcurl's multi handle to the loop: libcurl says which sockets and which timer it waits for, the loop says
/// when they are due.
struct HttpClient::Impl {
  struct Entry {
    std::unique_ptr<Transfer> transfer;
    EventLoop::TimerId timer = 0;
    TimePoint armed = kNever;  // when the timer fires
  };

  explicit Impl(EventLoop& on_loop) : loop(on_loop) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> Open();
  Result<void> Add(Transfer& transfer);
  void Remove(RequestId id);
  void Finish(RequestId id, const HttpOutcome& outcome);
  void FailSoon(RequestId id, HttpHandler handler, HttpOutcome outcome);
  void ArmTimer(RequestId id, Entry& entry);
  void AdvanceTimers();
  void CheckTimer(RequestId id);
  void Act(curl_socket_t socket, int events);
  void CollectFinished();
  RequestId IdOf(const CURL* easy) const;

  static int OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int OnTimer(CURLM*, long timeout_ms, void* self);

  EventLoop& loop;
  const CurlApi* api = nullptr;
  CURLM* multi = nullptr;
  EventLoop::TimerId curl_timer = 0;
  RequestId next_id = 1;
  std::map<RequestId, Entry> entries;
  bool inside_curl = false;  // its callbacks run now, so handles must not be removed
};

HttpClient::HttpClient(EventLoop& loop) : impl_(std::make_unique<Impl>(loop)) {}
HttpClient::~HttpClient() = default;

HttpClient::Impl::~Impl() {
  while (!entries.empty()) Remove(entries.begin()->first);
  if (multi != nullptr) api->multi_cleanup(multi);
  loop.CancelTimer(curl_timer);
}

Result<void> HttpClient::Impl::Open() {
  if (multi != nullptr) return Ok();
  RUNE_ASSIGN_OR_RETURN(api, CurlApi::Load());
  multi = api->multi_init();
  if (multi == nullptr) return Error{ErrorKind::kUnavailable, "libcurl cannot make a multi handle"};
  api->multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Impl::OnSocket);
  api->multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  api->multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Impl::OnTimer);
  api->multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  return Ok();
}

HttpClient::RequestId HttpClient::Start(HttpRequest request, HttpHandler handler) {
  const RequestId id = impl_->next_id++;
  if (auto opened = impl_->Open(); !opened.ok()) {
    impl_->entries[id] = {};
    impl_->FailSoon(id, std::move(handler), {.failure = HttpFailure::kUnusable, .detail = opened.error().message});
    return id;
  }
  Impl::Entry& entry = impl_->entries[id];
  entry.transfer = std::make_unique<Transfer>(*impl_->api, std::move(request), std::move(handler));
  if (auto added = impl_->Add(*entry.transfer); !added.ok()) {
    const bool trust = added.error().kind == ErrorKind::kInvalidInput;
    impl_->FailSoon(
        id, entry.transfer->handler(),
        {.failure = trust ? HttpFailure::kTrustStore : HttpFailure::kUnusable, .detail = added.error().message});
    return id;
  }
  impl_->ArmTimer(id, entry);
  return id;
}

void HttpClient::Cancel(RequestId id) {
  const auto found = impl_->entries.find(id);
  if (found == impl_->entries.end()) return;
  if (impl_->inside_curl) {
    found->second.transfer->Stop();  // removed by CollectFinished()
  } else {
    impl_->Remove(id);
  }
}

Result<void> HttpClient::Impl::Add(Transfer& transfer) {
  RUNE_RETURN_IF_ERROR(transfer.Prepare());
  if (api->multi_add_handle(multi, transfer.easy()) != CURLM_OK) {
    return Error{ErrorKind::kUnavailable, "libcurl does not take the request"};
  }
  return Ok();
}

void HttpClient::Impl::Remove(RequestId id) {
  auto node = entries.extract(id);
  if (node.empty()) return;
  loop.CancelTimer(node.mapped().timer);
  const Transfer* const transfer = node.mapped().transfer.get();
  if (transfer != nullptr && transfer->easy() != nullptr) api->multi_remove_handle(multi, transfer->easy());
}

void HttpClient::Impl::Finish(RequestId id, const HttpOutcome& outcome) {
  const auto found = entries.find(id);
  if (found == entries.end()) return;
  const auto on_done = found->second.transfer->handler().on_done;
  Remove(id);
  if (on_done) on_done(outcome);
}

void HttpClient::Impl::FailSoon(RequestId id, HttpHandler handler, HttpOutcome outcome) {
  entries[id].timer = loop.At(Clock::now(), [this, id, handler = std::move(handler), outcome = std::move(outcome)] {
    Remove(id);
    if (handler.on_done) handler.on_done(outcome);
  });
}

void HttpClient::Impl::ArmTimer(RequestId id, Entry& entry) {
  loop.CancelTimer(entry.timer);
  entry.armed = entry.transfer->due();
  entry.timer = loop.At(entry.armed, [this, id] { CheckTimer(id); });
}

/// A timer that is early is armed again when it fires; one that is late, because the next phase has a shorter limit,
/// must be moved at once.
void HttpClient::Impl::AdvanceTimers() {
  for (auto& [id, entry] : entries) {
    if (entry.transfer != nullptr && entry.transfer->due() < entry.armed && entry.armed != kNever) ArmTimer(id, entry);
  }
}

void HttpClient::Impl::CheckTimer(RequestId id) {
  const auto found = entries.find(id);
  if (found == entries.end()) return;
  Transfer& transfer = *found->second.transfer;
  const TimePoint now = Clock::now();
  if (now < transfer.due()) return ArmTimer(id, found->second);  // something has happened since it was armed
  Finish(id, transfer.Conclude(transfer.OverdueFailure(now), "timed out"));
}

void HttpClient::Impl::Act(curl_socket_t socket, int events) {
  int running = 0;
  inside_curl = true;
  api->multi_socket_action(multi, socket, events, &running);
  inside_curl = false;
  CollectFinished();
  AdvanceTimers();
}

void HttpClient::Impl::CollectFinished() {
  std::vector<std::pair<RequestId, CURLcode>> finished;
  int left = 0;
  while (const CURLMsg* const message = api->multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) finished.emplace_back(IdOf(message->easy_handle), message->data.result);
  }
  for (const auto& [id, entry] : entries) {
    if (entry.transfer != nullptr && entry.transfer->stopped()) finished.emplace_back(id, CURLE_OK);
  }
  for (const auto& [id, code] : finished) {
    const auto found = entries.find(id);
    if (found == entries.end()) continue;  // cancelled by the on_done of another
    Transfer& transfer = *found->second.transfer;
    if (transfer.stopped()) {
      Remove(id);
    } else {
      Finish(id, transfer.Conclude(code));
    }
  }
}

HttpClient::RequestId HttpClient::Impl::IdOf(const CURL* easy) const {
  for (const auto& [id, entry] : entries) {
    if (entry.transfer != nullptr && entry.transfer->easy() == easy) return id;
  }
  return 0;
}

int HttpClient::Impl::OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  Impl& impl = *static_cast<Impl*>(self);
  if (what == CURL_POLL_REMOVE) {
    impl.loop.Unwatch(socket);
    return 0;
  }
  short events = 0;
  if ((what & CURL_POLL_IN) != 0) events |= POLLIN;
  if ((what & CURL_POLL_OUT) != 0) events |= POLLOUT;
  impl.loop.Watch(socket, events, [&impl, socket](short revents) {
    int ready = 0;
    if ((revents & (POLLIN | POLLHUP)) != 0) ready |= CURL_CSELECT_IN;
    if ((revents & POLLOUT) != 0) ready |= CURL_CSELECT_OUT;
    if ((revents & (POLLERR | POLLNVAL)) != 0) ready |= CURL_CSELECT_ERR;
    impl.Act(socket, ready);
  });
  return 0;
}

int HttpClient::Impl::OnTimer(CURLM*, long timeout_ms, void* self) {
  Impl& impl = *static_cast<Impl*>(self);
  impl.loop.CancelTimer(impl.curl_timer);
  impl.curl_timer = 0;
  if (timeout_ms >= 0) {
    impl.curl_timer =
        impl.loop.At(Clock::now() + Milliseconds(timeout_ms), [&impl] { impl.Act(CURL_SOCKET_TIMEOUT, 0); });
  }
  return 0;
}

}  // namespace rune::agent
