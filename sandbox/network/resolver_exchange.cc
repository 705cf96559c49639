#include "sandbox/network/resolver_exchange.h"

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <utility>

#include "sandbox/base/text.h"
#include "sandbox/network/nonblocking_socket.h"

namespace rune::sandbox {
namespace {

std::string_view Meaning(DnsCode code) {
  switch (code) {
    case DnsCode::kNoError:
      return "no address";
    case DnsCode::kFormErr:
      return "did not understand";
    case DnsCode::kServFail:
      return "failed";
    case DnsCode::kNxDomain:
      return "no such name";
    case DnsCode::kRefused:
      return "refused to answer";
  }
  return "failed";  // a code of the wire that has no name here
}

}  // namespace

DnsExchange::DnsExchange(EventLoop& loop, const ResolverConfig& config, DnsQuestion question, Done done)
    : loop_(loop),
      config_(config),
      question_(std::move(question)),
      done_(std::move(done)),
      said_(config.servers.size()) {
  timer_ = loop_.At(Clock::now(), [this] { Ask(); });
}

DnsExchange::~DnsExchange() { Stop(); }

void DnsExchange::Stop() {
  loop_.CancelTimer(timer_);
  if (socket_.valid()) loop_.Unwatch(socket_.get());
  socket_.Reset();
}

void DnsExchange::Ask() {
  if (tries_ >= config_.servers.size() * static_cast<std::size_t>(config_.attempts)) return Finish();
  if (::getrandom(&id_, sizeof id_, 0) != static_cast<ssize_t>(sizeof id_)) return Fail("no random numbers");
  if (config_.use_tcp) return AskByTcp();
  ConnectStart start = StartConnect(config_.servers[server()], SOCK_DGRAM);
  if (start.error != 0) return Fail(std::strerror(start.error));
  socket_ = std::move(start.fd);
  const std::string query = WriteDnsQuery(id_, question_.name, question_.type);
  if (RetryOnEintr([&] { return ::send(socket_.get(), query.data(), query.size(), MSG_NOSIGNAL); }) < 0) {
    return Fail(std::strerror(errno));
  }
  loop_.Watch(socket_.get(), POLLIN, [this](short) { OnDatagram(); });
  timer_ = loop_.At(Clock::now() + config_.timeout, [this] { Fail("no answer"); });
}

void DnsExchange::OnDatagram() {
  std::array<char, kMaxDnsMessage> buffer;
  const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return Fail(std::strerror(errno));
  }
  const std::string_view message(buffer.data(), static_cast<std::size_t>(size));
  const std::optional<DnsReply> reply = ReadDnsReply(message, id_, question_.name, question_.type);
  if (!reply) return;  // may be forged: the true answer may still come
  if (!reply->truncated) return Heard(*reply);
  Stop();
  AskByTcp();
}

void DnsExchange::AskByTcp() {
  ConnectStart start = StartConnect(config_.servers[server()], SOCK_STREAM);
  if (start.error != 0) return Fail(std::strerror(start.error));
  socket_ = std::move(start.fd);
  const std::string query = WriteDnsQuery(id_, question_.name, question_.type);
  to_send_ = {static_cast<char>(query.size() >> 8), static_cast<char>(query.size() & 0xff)};
  to_send_ += query;
  received_.clear();
  loop_.Watch(socket_.get(), POLLOUT, [this](short) { OnStream(); });
  timer_ = loop_.At(Clock::now() + config_.timeout, [this] { Fail("no answer by TCP"); });
}

bool DnsExchange::SendOnStream() {
  const int outcome = ConnectOutcome(socket_.get());
  if (outcome == EINPROGRESS) return false;
  const ssize_t sent =
      outcome == 0 ? ::send(socket_.get(), to_send_.data(), to_send_.size(), MSG_NOSIGNAL) : ssize_t{-1};
  if (sent < 0) {
    const int error = outcome == 0 ? errno : outcome;
    if (error != EAGAIN && error != EINTR) Fail(std::strerror(error));
    return false;
  }
  to_send_.erase(0, static_cast<std::size_t>(sent));
  if (to_send_.empty()) loop_.Watch(socket_.get(), POLLIN, [this](short) { OnStream(); });
  return to_send_.empty();
}

void DnsExchange::OnStream() {
  if (!to_send_.empty() && !SendOnStream()) return;
  std::array<char, kMaxDnsMessage> buffer;
  const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return Fail(size == 0 ? "closed the connection" : std::strerror(errno));
  received_.append(buffer.data(), static_cast<std::size_t>(size));
  if (received_.size() < 2) return;
  // RFC 1035 4.2.2: two bytes of length in front, so that no answer is larger than 64 KiB.
  const std::size_t length = static_cast<std::size_t>(static_cast<unsigned char>(received_[0])) << 8 |
                             static_cast<unsigned char>(received_[1]);
  if (received_.size() < 2 + length) return;
  const std::optional<DnsReply> reply =
      ReadDnsReply(std::string_view(received_).substr(2, length), id_, question_.name, question_.type);
  if (!reply) return Fail("answered something else");
  Heard(*reply);
}

void DnsExchange::Heard(const DnsReply& reply) {
  reply_ = reply;
  const bool knows = reply.code == DnsCode::kNoError || reply.code == DnsCode::kNxDomain;
  if (!knows) return Fail(std::string(Meaning(reply.code)));
  said_[server()] = Meaning(reply.code);
  Finish();
}

void DnsExchange::Fail(const std::string& why) {
  Stop();
  said_[server()] = why;
  ++tries_;
  // By the loop, so that servers which fail at once neither recurse nor call back from inside.
  timer_ = loop_.At(Clock::now(), [this] { Ask(); });
}

void DnsExchange::Finish() {
  Stop();
  DnsOutcome outcome{std::move(reply_), {}};
  for (std::size_t i = 0; i < said_.size(); ++i) {
    if (said_[i].empty()) continue;
    if (!outcome.said.empty()) outcome.said += ", ";
    outcome.said += Format(config_.servers[i]) + ": " + said_[i];
  }
  const Done done = std::move(done_);
  done(std::move(outcome));  // may destroy this
}

}  // namespace rune::sandbox
