#include "sandbox/network/relay_inspector.h"

#include <utility>

#include "sandbox/network/tls_hello.h"

namespace rune::sandbox {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

}  // namespace

ClientInspector::ClientInspector(InspectorRules rules)
    : rules_(std::move(rules)),
      tls_possible_(rules_.port != kHttpPort),
      http_([this](const std::string& host, std::uint16_t port) { return AllowsRequest(host, port); }) {}

bool ClientInspector::AllowsName(const std::string& name) {
  const bool allowed = rules_.allow(name);
  if (!allowed) wanted_ = name;
  return allowed;
}

bool ClientInspector::AllowsRequest(const std::string& host, std::uint16_t port) {
  // Clients take the port of a Host header and that of the connection from one URL; a server may route by either.
  return AllowsName(host) && (port == 0 || port == rules_.port);
}

ClientInspector::State ClientInspector::Feed(std::string_view bytes) {
  switch (state_) {
    case State::kUndecided:
      first_ += bytes;
      Decide(bytes);
      break;
    case State::kTls:
      LookAtTls(tls_->FeedClient(bytes));
      break;
    case State::kHttp:
      FeedHttp(bytes);
      break;
    case State::kOpen:
      passed_ += bytes;
      break;
    case State::kRefused:
      break;
  }
  return state_;
}

ClientInspector::State ClientInspector::HearServer(std::string_view bytes) {
  if (state_ == State::kTls) LookAtTls(tls_->FeedServer(bytes));
  if (state_ == State::kHttp) LookAtHttp(http_.HearServer(bytes));
  return state_;
}

void ClientInspector::LookAtTls(TlsHellos::State state) {
  passed_ += tls_->TakePassed();
  if (state == TlsHellos::State::kOver) state_ = State::kOpen;
  if (state != TlsHellos::State::kRefused) return;
  wanted_ = tls_->other();
  Refuse(DeniedAct::kTls, tls_->reason());
}

void ClientInspector::Decide(std::string_view bytes) {
  if (!tls_possible_) return FeedHttp(bytes);
  const TlsHello hello = ReadTlsHello(first_);
  switch (hello.state) {
    case TlsHello::State::kIncomplete:
      return;
    case TlsHello::State::kMalformed:
      return Refuse(DeniedAct::kTls, "a TLS hello that breaks the rules");
    case TlsHello::State::kNoName:
      return Refuse(DeniedAct::kTls, "a TLS hello without a server name");
    case TlsHello::State::kName:
      if (!AllowsName(hello.name))
        return Refuse(DeniedAct::kTls, "the TLS server name " + hello.name + " is not allowed");
      passed_ += first_.substr(0, hello.size);
      state_ = State::kTls;
      tls_.emplace(hello.name);
      return LookAtTls(tls_->FeedClient(std::exchange(first_, {}).substr(hello.size)));
    case TlsHello::State::kNotTls:
      if (rules_.port == kHttpsPort) return Refuse(DeniedAct::kTls, "port 443 is for TLS only");
      tls_possible_ = false;
      return FeedHttp(first_);
  }
}

void ClientInspector::FeedHttp(std::string_view bytes) { LookAtHttp(http_.Feed(bytes)); }

void ClientInspector::LookAtHttp(HttpRequests::State state) {
  switch (state) {
    case HttpRequests::State::kReading: {
      const std::string passed = http_.TakePassed();
      if (passed.empty()) return;
      state_ = State::kHttp;
      first_.clear();
      passed_ += passed;
      return;
    }
    case HttpRequests::State::kTunnel:
      return Open(http_.TakePassed());
    case HttpRequests::State::kNotHttp:
      if (rules_.port == kHttpPort) return Refuse(DeniedAct::kHttp, "port 80 is for HTTP only");
      return Open(std::exchange(first_, {}));
    case HttpRequests::State::kRefused:
      return Refuse(DeniedAct::kHttp, http_.reason());
  }
}

ClientInspector::State ClientInspector::End() {
  if (state_ != State::kUndecided || first_.empty()) return state_;
  if (rules_.port == kHttpsPort) {
    Refuse(DeniedAct::kTls, "the client left in the middle of its TLS hello");
  } else if (rules_.port == kHttpPort || (!tls_possible_ && first_.find('\n') != std::string::npos)) {
    // A server may take a request for whole that ends with the connection.
    Refuse(DeniedAct::kHttp, "the client left in the middle of a request");
  } else {
    Open(std::exchange(first_, {}));
  }
  return state_;
}

ClientInspector::State ClientInspector::Expire() {
  if (state_ == State::kUndecided) {
    Refuse(tls_possible_ ? DeniedAct::kTls : DeniedAct::kHttp, "the client did not say in time which server it wants");
  }
  return state_;
}

std::string ClientInspector::TakePassed() { return std::exchange(passed_, {}); }

void ClientInspector::Open(std::string bytes) {
  state_ = State::kOpen;
  first_.clear();
  passed_ += bytes;
}

void ClientInspector::Refuse(DeniedAct what, std::string detail) {
  state_ = State::kRefused;
  what_ = what;
  detail_ = std::move(detail);
}

}  // namespace rune::sandbox
