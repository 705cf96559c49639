#include "sandbox/network/relay_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "sandbox/network/denial_notes.h"
#include "sandbox/network/nonblocking_socket.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxWaiting = 64 << 10;  // bytes

/// The two connections shall not delay what the client itself did not delay.
void SendAtOnce(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

RelayConnection::RelayConnection(EventLoop& loop, const RelayOptions& options, RelayTarget target, UniqueFd client,
                                 std::function<void()> closed)
    : loop_(loop),
      options_(options),
      target_(std::move(target)),
      account_(options_.rules->AccountOf(target_.key())),
      closed_(std::move(closed)) {
  client_.fd = std::move(client);
  SendAtOnce(client_.fd.get());
  if (!target_.name.empty() && Enforces()) {
    inspector_.emplace(InspectorRules{
        target_.port, [this](const std::string& name) { return options_.rules->AllowsName(name, target_.port); }});
    // Elsewhere the server may speak first: there the time runs from the client's first byte on.
    if (target_.port == 443 || target_.port == 80) StartHelloTimer();
  }
  Watch(client_);
}

RelayConnection::~RelayConnection() {
  StopHelloTimer();
  for (Side* side : {&client_, &upstream_}) {
    if (side->watched >= 0) loop_.Unwatch(side->fd.get());
    if (broken_ || !client_.ended || !upstream_.ended) CloseWithReset(std::move(side->fd));
  }
}

void RelayConnection::StartHelloTimer() {
  if (hello_timer_ != 0) return;
  hello_timer_ = loop_.At(Clock::now() + options_.hello_timeout, [this] {
    if (inspector_->state() != ClientInspector::State::kUndecided) return;
    // A client that never said a word asked for nothing that could be refused.
    if (!inspector_->has_bytes()) return Close();
    inspector_->Expire();
    RefuseClient();
  });
}

void RelayConnection::StopHelloTimer() {
  if (hello_timer_ != 0) loop_.CancelTimer(std::exchange(hello_timer_, 0));
}

void RelayConnection::Attach(UniqueFd upstream) {
  upstream_.fd = std::move(upstream);
  SendAtOnce(upstream_.fd.get());
  if (Flush(upstream_) == Outcome::kGoOn) Settle();
}

void RelayConnection::OnEvent(Side& side) {
  const bool idle = side.ended && !side.shut && side.out.empty();
  if (idle && (ReadyNow(side.fd.get(), 0) & (POLLERR | POLLHUP)) != 0) Lost(side);
  if (Flush(side) == Outcome::kRefused) return;
  if (CanRead(side) && Read(side) == Outcome::kRefused) return;
  Settle();
}

bool RelayConnection::CanRead(const Side& side) const {
  return side.fd.valid() && !side.ended && Other(side).out.size() < kMaxWaiting;
}

RelayConnection::Outcome RelayConnection::Read(Side& side) {
  std::array<char, kMaxWaiting> buffer;
  const std::size_t room = kMaxWaiting - Other(side).out.size();
  const ssize_t size = ::recv(side.fd.get(), buffer.data(), room, MSG_DONTWAIT);
  if (size < 0) {
    if (errno != EAGAIN && errno != EINTR) Lost(side);
    return Outcome::kGoOn;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
  side.ended = bytes.empty();
  if (&side == &upstream_) {
    if (!bytes.empty()) Counts().received += bytes.size();
    if (inspector_ && HearServer(bytes) == Outcome::kRefused) return Outcome::kRefused;
    return Write(client_, bytes);
  }
  return side.ended ? EndOfClient() : TakeFromClient(bytes);
}

RelayConnection::Outcome RelayConnection::TakeFromClient(std::string_view bytes) {
  if (!inspector_) return Write(upstream_, bytes);
  const ClientInspector::State state = inspector_->Feed(bytes);
  if (state == ClientInspector::State::kRefused) return RefuseClient();
  const std::string passed = inspector_->TakePassed();
  if (state == ClientInspector::State::kUndecided) {
    StartHelloTimer();
  } else {
    StopHelloTimer();
  }
  if (state == ClientInspector::State::kOpen) inspector_.reset();
  return Write(upstream_, passed);
}

RelayConnection::Outcome RelayConnection::HearServer(std::string_view bytes) {
  const ClientInspector::State state = inspector_->HearServer(bytes);
  if (state == ClientInspector::State::kRefused) return RefuseClient();
  const std::string passed = inspector_->TakePassed();
  if (state == ClientInspector::State::kOpen) inspector_.reset();
  return Write(upstream_, passed);
}

RelayConnection::Outcome RelayConnection::EndOfClient() {
  if (!inspector_) return Outcome::kGoOn;
  StopHelloTimer();
  if (inspector_->End() == ClientInspector::State::kRefused) return RefuseClient();
  return Write(upstream_, inspector_->TakePassed());
}

std::size_t RelayConnection::UploadLeft(const Side& side, std::size_t wanted) const {
  if (&side != &upstream_ || !options_.upload_left || !options_.inspect) return wanted;
  return static_cast<std::size_t>(std::min<std::uint64_t>(wanted, options_.upload_left(account_)));
}

RelayConnection::Outcome RelayConnection::Write(Side& side, std::string_view bytes) {
  if (side.shut) return Outcome::kGoOn;
  // In order: only when nothing waits, and only as far as the socket takes it.
  while (side.fd.valid() && side.out.empty() && !bytes.empty()) {
    const std::size_t allowed = UploadLeft(side, bytes.size());
    if (allowed == 0) {
      return Refuse(UploadRefusal(account_));
    }
    const ssize_t sent = ::send(side.fd.get(), bytes.data(), allowed, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      // What the other end had still sent can be read all the same.
      side.shut = true;
      Other(side).ended = true;
      broken_ = true;
      return Outcome::kGoOn;
    }
    if (&side == &upstream_) {
      Counts().sent += static_cast<std::uint64_t>(sent);
      options_.ledger->Charge(account_, static_cast<std::uint64_t>(sent));
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  side.out += bytes;
  return Outcome::kGoOn;
}

RelayConnection::Outcome RelayConnection::Flush(Side& side) {
  if (side.out.empty()) return Outcome::kGoOn;
  const std::string waiting = std::exchange(side.out, {});
  return Write(side, waiting);
}

void RelayConnection::Lost(Side& side) {
  broken_ = true;
  side.ended = side.shut = true;
  side.out.clear();
  Other(side).ended = true;
}

void RelayConnection::Settle() {
  if (client_.ended && upstream_.ended && client_.out.empty() && upstream_.out.empty()) return Close();
  // Before the server is there, a client that is lost has no other side to wait for.
  if (broken_ && !upstream_.fd.valid()) return Close();
  for (Side* side : {&client_, &upstream_}) {
    if (Other(*side).ended && side->out.empty() && !side->shut && !broken_ && side->fd.valid()) {
      ::shutdown(side->fd.get(), SHUT_WR);
      side->shut = true;
    }
  }
  Watch(client_);
  Watch(upstream_);
}

void RelayConnection::Watch(Side& side) {
  if (!side.fd.valid()) return;
  int events = (CanRead(side) ? POLLIN : 0) | (side.out.empty() ? 0 : POLLOUT);
  // A side that has nothing more to say may still break down. One that waits for the other must not be watched: a
  // hang-up cannot be silenced, and would be reported again and again.
  if (events == 0 && !(side.ended && !side.shut)) events = -1;
  if (events == side.watched) return;
  side.watched = static_cast<short>(events);
  if (events < 0) return loop_.Unwatch(side.fd.get());
  loop_.Watch(side.fd.get(), side.watched, [this, &side](short) { OnEvent(side); });
}

RelayConnection::Outcome RelayConnection::RefuseClient() {
  // An entry for an address is none for a name, and what stands in a request is compared as a name.
  const std::string& wanted = inspector_->wanted();
  const Remedy remedy = ParseIp(wanted) ? Remedy() : DomainRemedy(wanted, target_.port);
  return Refuse({inspector_->what(), inspector_->detail(), remedy});
}

RelayConnection::Outcome RelayConnection::Refuse(const RelayRefusal& refusal) {
  ++Counts().refused;
  if (options_.on_refused) options_.on_refused(refusal, target_);
  Close();
  return Outcome::kRefused;
}

void RelayConnection::Close() {
  const std::function<void()> closed = std::move(closed_);
  closed();  // may destroy this
}

}  // namespace rune::sandbox
