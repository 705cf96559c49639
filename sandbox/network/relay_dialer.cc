#include "sandbox/network/relay_dialer.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "sandbox/base/log.h"
#include "sandbox/base/text.h"
#include "sandbox/network/denial_notes.h"
#include "sandbox/network/nonblocking_socket.h"

namespace rune::sandbox {
namespace {

constexpr Milliseconds kNextAddressAfter{250};
constexpr std::size_t kMaxAddresses = 8;
constexpr std::size_t kMaxNamedInRefusal = 3;

/// Which of two failures says more about the server: that it answered, that it did not, that there is no way to it.
int MoreTelling(int left, int right) {
  for (const int error : {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH}) {
    if (left == error || right == error) return error;
  }
  return left != 0 ? left : right;
}

}  // namespace

Dialer::Dialer(EventLoop& loop, Resolver& resolver, const RelayOptions& options, RelayTarget target, Done done)
    : loop_(loop),
      resolver_(resolver),
      options_(options),
      target_(std::move(target)),
      proxy_(options.proxy && !target_.name.empty() && !options.proxy->direct.Covers(target_.name) ? &*options.proxy
                                                                                                   : nullptr),
      port_(proxy_ != nullptr ? proxy_->port : target_.port),
      done_(std::move(done)) {
  deadline_ = loop_.At(Clock::now() + options_.dial_timeout, [this] { Finish({ETIMEDOUT, {}, {}, {}}); });
  if (PayForName()) {
    Start();
  } else {
    next_ = loop_.At(Clock::now(),
                     [this] { Finish({EACCES, {}, UploadRefusal(options_.rules->AccountOf(target_.name)), {}}); });
  }
}

bool Dialer::PayForName() {
  const std::string account = options_.rules->AccountOf(target_.key());
  if (target_.name.empty() || account == target_.name) return true;
  const std::uint64_t size = target_.name.size();
  if (options_.inspect && options_.upload_left && options_.upload_left(account) < size) return false;
  options_.ledger->Charge(account, size);
  return true;
}

void Dialer::Start() {
  const std::string& name = proxy_ != nullptr ? proxy_->host : target_.name;
  const std::optional<IpAddress> address = name.empty() ? target_.address : ParseIp(name);
  if (address) {
    next_ = loop_.At(Clock::now(), [this, address = *address] { Choose({address}); });
  } else {
    query_ = resolver_.Resolve(name, [this](Result<std::vector<IpAddress>> addresses) {
      query_ = 0;
      Resolved(std::move(addresses));
    });
  }
}

Dialer::~Dialer() {
  if (query_ != 0) resolver_.Cancel(query_);
  loop_.CancelTimer(next_);
  loop_.CancelTimer(deadline_);
  for (const auto& [fd, owner] : connecting_) loop_.Unwatch(fd);
}

void Dialer::Resolved(Result<std::vector<IpAddress>> addresses) {
  if (!addresses.ok()) {
    Log(LogLevel::kInfo, "network: " + addresses.error().message);
    return Finish({EHOSTUNREACH, {}, {}, OneLine(addresses.error().message)});
  }
  Choose(*addresses);
}

bool Dialer::IsOpen(const IpAddress& address) const {
  if (proxy_ != nullptr || !options_.inspect) return true;
  if (options_.rules->AllowsAddress(Unwrap(address), target_.port)) return true;
  // A name opens every public address it leads to; an address opens itself alone, unless everything is allowed.
  return KindOf(address) == AddressKind::kPublic && (!target_.name.empty() || options_.rules->every());
}

void Dialer::Choose(const std::vector<IpAddress>& addresses) {
  std::deque<IpAddress> v4;
  std::deque<IpAddress> v6;
  std::vector<IpAddress> closed;
  for (const IpAddress& address : addresses) {
    if (IsOpen(address)) {
      (address.is_v4() ? v4 : v6).push_back(address);
    } else {
      closed.push_back(address);
    }
  }
  if (v4.empty() && v6.empty()) {
    if (closed.empty()) return Finish({EHOSTUNREACH, {}, {}, {}});
    return Finish({EACCES, {}, RefusalOf(closed), {}});
  }
  while (left_.size() < kMaxAddresses && (!v4.empty() || !v6.empty())) {
    for (std::deque<IpAddress>* family : {&v4, &v6}) {
      if (family->empty()) continue;
      left_.push_back(family->front());
      family->pop_front();
    }
  }
  ConnectNext();
}

RelayRefusal Dialer::RefusalOf(const std::vector<IpAddress>& closed) const {
  RelayRefusal refusal{.what = DeniedAct::kAddress, .detail = target_.name.empty() ? "" : target_.name + " leads to "};
  for (std::size_t i = 0; i < std::min(closed.size(), kMaxNamedInRefusal); ++i) {
    const IpAddress& address = closed[i];
    refusal.detail +=
        (i == 0 ? "" : ", ") + Format(address) + " (" + std::string(AddressKindName(KindOf(address))) + ")";
    // One of them is enough.
    if (refusal.remedy.entries.empty()) refusal.remedy = DomainRemedy(Format(address), target_.port);
  }
  if (closed.size() > kMaxNamedInRefusal) refusal.detail += " and others";
  return refusal;
}

void Dialer::ConnectNext() {
  loop_.CancelTimer(next_);
  while (!left_.empty()) {
    const Endpoint endpoint{left_.front(), port_, 0};
    left_.pop_front();
    ConnectStart start = StartConnect(endpoint, SOCK_STREAM);
    if (start.error != 0) {
      error_ = MoreTelling(error_, start.error);
      continue;
    }
    const int fd = start.fd.get();
    connecting_[fd] = std::move(start.fd);
    loop_.Watch(fd, POLLOUT, [this, fd](short) { Check(fd); });
    if (!left_.empty()) next_ = loop_.At(Clock::now() + kNextAddressAfter, [this] { ConnectNext(); });
    return;
  }
  if (connecting_.empty()) Finish({error_, {}, {}, {}});
}

void Dialer::Check(int fd) {
  const int outcome = ConnectOutcome(fd);
  if (outcome == EINPROGRESS) return;
  loop_.Unwatch(fd);
  UniqueFd socket = std::move(connecting_[fd]);
  connecting_.erase(fd);
  if (outcome == 0) return Connected(std::move(socket));
  error_ = MoreTelling(error_, outcome);
  socket.Reset();
  ConnectNext();
}

void Dialer::Connected(UniqueFd socket) {
  if (proxy_ == nullptr) return Finish({0, std::move(socket), {}, {}});
  loop_.CancelTimer(next_);
  for (const auto& [fd, owner] : connecting_) loop_.Unwatch(fd);
  connecting_.clear();
  tunnel_ = std::make_unique<ProxyTunnel>(
      loop_, std::move(socket), *proxy_, target_.name + ":" + std::to_string(target_.port),
      [this](int error, UniqueFd upstream) { Finish({error, std::move(upstream), {}, {}}); });
}

void Dialer::Finish(DialOutcome outcome) {
  const Done done = std::move(done_);
  done(std::move(outcome));  // may destroy this
}

}  // namespace rune::sandbox
