#include "sandbox/guard/guard_streams.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "sandbox/guard/file_user.h"
#include "sandbox/network/nonblocking_socket.h"

namespace rune::sandbox {
namespace {

constexpr Milliseconds kRetry{10};
/// At the same time, of one command.
constexpr std::size_t kMaxConnections = 512;

int PendingError(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

bool IsDecided(int socket) {
  pollfd ready{socket, POLLOUT, 0};
  return ::poll(&ready, 1, 0) == 1;
}

/// connect(2) with AF_UNSPEC undoes an earlier connect(2) or its failure.
int Dissolve(int socket) {
  sockaddr address{};
  address.sa_family = AF_UNSPEC;
  return ::connect(socket, &address, sizeof address) == 0 ? 0 : errno;
}

/// The kernel's own answer to an address of another family.
int WrongFamily(const GuardedSocket& socket, const SocketAddress& address, std::size_t length) {
  const std::size_t needed = socket.domain == AF_INET6 ? 24 : sizeof(sockaddr_in);
  if (address.kind == SocketAddress::Kind::kMalformed || length < needed) return EINVAL;
  return EAFNOSUPPORT;
}

}  // namespace

GuardStreams::GuardStreams(GuardState& state, const GuardRoutes& routes, Relay& relay)
    : state_(state),
      routes_(routes),
      relay_(relay),
      door_(state.loop,
            [&state](int domain, int type, int protocol) { return state.MakeInternetSocket(domain, type, protocol); }),
      dns_streams_(state.loop, state.dns),
      unix_rules_{state.options.trees, state.options.tool_uid, state.options.tool_gid, state.options.watch_only,
                  state.options.started},
      max_connections_(std::min(DescriptorShare(), kMaxConnections)) {}

void GuardStreams::Clear() {
  door_.Clear();
  dns_streams_.Clear();
}

void GuardStreams::Connect(const SystemCall& call, const SocketTable::Entry& socket, const std::string& bytes) {
  if (socket->busy) return state_.calls.Fail(call.id, EALREADY);
  const SocketAddress address = DecodeSocketAddress(bytes);
  const int twin = socket->twin.get();
  Attempt attempt{call, socket, "", IsBlocking(twin), DeadlineOf(twin, SO_SNDTIMEO)};
  if (socket->kind == GuardedSocket::Kind::kUnix) {
    switch (address.kind) {
      case SocketAddress::Kind::kUnixPath:
        return ConnectPath(attempt, address.path);
      case SocketAddress::Kind::kUnixAbstract:
        return state_.Refuse(call, DeniedAct::kConnect, "@" + address.path);
      case SocketAddress::Kind::kUnixUnnamed:
      case SocketAddress::Kind::kInet:
      case SocketAddress::Kind::kUnspecified:
      case SocketAddress::Kind::kOther:
      case SocketAddress::Kind::kMalformed:
        return state_.calls.Fail(call.id, EINVAL);
    }
  }
  if (address.kind == SocketAddress::Kind::kUnspecified) return state_.Answer(call, Dissolve(twin));
  if (address.kind != SocketAddress::Kind::kInet || address.family != socket->domain) {
    return state_.calls.Fail(call.id, WrongFamily(*socket, address, bytes.size()));
  }
  attempt.asked = bytes;
  ConnectInternet(attempt, address.inet);
}

void GuardStreams::ConnectInternet(const Attempt& attempt, const Endpoint& wanted) {
  const Route route = routes_.To(wanted);
  if (!route.permitted) state_.ledger.Refuse(route.target.key(), route.target.port);
  switch (route.kind) {
    case Route::Kind::kRefused:
      // In a network of its own nobody listens there, which is what programs wait out that wait for a server.
      if (state_.options.own_socket && KindOf(route.target.address) == AddressKind::kLoopback) {
        state_.notes.Add(
            {.by = DeniedBy::kNetwork, .what = DeniedAct::kConnect, .target = route.Text(), .remedy = route.WayOpen()});
        return state_.calls.Fail(attempt.call.id, ECONNREFUSED);
      }
      return state_.Refuse(attempt.call, DeniedAct::kConnect, route.Text(), route.WayOpen());
    case Route::Kind::kResolver:
      return Enter(attempt, [this](UniqueFd client) { dns_streams_.Add(std::move(client)); });
    case Route::Kind::kOwnListener: {
      Attempt direct = attempt;
      direct.asked.clear();
      return Await(direct, Start(direct, route.own));
    }
    case Route::Kind::kRelay:
      if (relay_.open_connections() + door_.waiting() >= max_connections_) {
        if (!attempt.blocking) return state_.calls.Fail(attempt.call.id, EAGAIN);
        return Again(attempt, EINPROGRESS, [this, attempt, wanted] { ConnectInternet(attempt, wanted); });
      }
      if (attempt.blocking) return Dial(attempt, route.target);
      return Enter(attempt,
                   [this, target = route.target](UniqueFd client) { relay_.DialAndJoin(std::move(client), target); });
  }
}

/// The command waits in its call until the server has answered, so that it gets the true errno.
void GuardStreams::Dial(const Attempt& attempt, const RelayTarget& target) {
  const std::uint64_t call = attempt.call.id;
  const Relay::DialId dial = relay_.Dial(target, [this, attempt, target, call](int error, UniqueFd upstream) {
    attempt.socket->busy = false;
    if (!state_.held.Take(call)) return;
    if (error != 0) return state_.calls.Fail(call, error);
    Enter(attempt, [this, target, server = std::make_shared<UniqueFd>(std::move(upstream))](UniqueFd client) {
      relay_.Join(std::move(client), std::move(*server), target);
    });
  });
  attempt.socket->busy = true;
  const auto dropped = [this, dial, socket = attempt.socket] {
    socket->busy = false;
    relay_.Cancel(dial);
  };
  if (state_.held.Keep(attempt.call, {attempt.deadline, EINPROGRESS, dropped})) return;
  dropped();
  state_.calls.Fail(call, EAGAIN);
}

/// Connects the twin to ourselves; `entered` gets the other end.
void GuardStreams::Enter(const Attempt& attempt, LoopbackDoor::Entered entered) {
  if (const int err = door_.Open()) return Finish(attempt, err);
  const int error = Start(attempt, door_.AddressFor(attempt.socket->domain));
  if (error == 0 || error == EINPROGRESS) door_.Expect(attempt.socket->twin.get(), std::move(entered));
  Await(attempt, error);
}

int GuardStreams::Start(const Attempt& attempt, const Endpoint& address) {
  const int twin = attempt.socket->twin.get();
  const bool mapped = attempt.socket->domain == AF_INET6 && address.address.is_v4();
  sockaddr_storage storage{};
  const socklen_t length = EncodeSocketAddress(mapped ? MapToV6(address) : address, storage);
  const int off = 0;
  // Whatever the command wants to reach by IPv6 alone, we are on 127.0.0.1. Fails for a socket that is bound.
  if (attempt.socket->domain == AF_INET6) ::setsockopt(twin, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  const int error = ConnectWithoutWaiting(twin, reinterpret_cast<const sockaddr*>(&storage), length);
  return error == EINTR ? EINPROGRESS : error;  // it goes on by itself (connect(2))
}

/// Answers now, or once the twin is connected if the socket is a blocking one.
void GuardStreams::Await(const Attempt& attempt, int error) {
  if (error != EINPROGRESS || !attempt.blocking) return Finish(attempt, error);
  const int twin = attempt.socket->twin.get();
  if (IsDecided(twin)) return Finish(attempt, PendingError(twin));
  attempt.socket->busy = true;
  const auto dropped = [this, twin, socket = attempt.socket] {
    socket->busy = false;
    state_.loop.Unwatch(twin);
  };
  if (!state_.held.Keep(attempt.call, {attempt.deadline, EINPROGRESS, dropped})) {
    dropped();
    return state_.calls.Fail(attempt.call.id, EAGAIN);
  }
  state_.loop.Watch(twin, POLLOUT, [this, attempt, twin, dropped](short) {
    dropped();
    if (state_.held.Take(attempt.call.id)) Finish(attempt, PendingError(twin));
  });
}

void GuardStreams::Finish(const Attempt& attempt, int error) {
  if (error == 0 || error == EINPROGRESS) {
    attempt.socket->asked = attempt.asked;
    state_.sockets.Retire(*attempt.socket, GuardedSocket::Kind::kConnected);
  }
  state_.Answer(attempt.call, error);
}

void GuardStreams::ConnectPath(const Attempt& attempt, const std::string& path) {
  const UniqueFd directory = Tracee(attempt.call.tid).WorkingDirectory();
  if (!state_.calls.StillWaits(attempt.call.id)) return;
  if (!directory.valid()) return state_.FailLook(attempt.call, EACCES);
  UnixSocket found = FindUnixSocket(unix_rules_, directory.get(), path);
  // No grant opens another's socket: it would have to be the command's own, and made by it.
  if (found.error == EACCES) return state_.Refuse(attempt.call, DeniedAct::kConnect, found.path);
  if (found.error != 0) return state_.calls.Fail(attempt.call.id, found.error);
  RetryPath(attempt, std::make_shared<UniqueFd>(std::move(found.place)));
}

/// A full backlog makes connect(2) to a Unix socket wait, and nothing tells when it is over.
void GuardStreams::RetryPath(const Attempt& attempt, std::shared_ptr<UniqueFd> place) {
  const int twin = attempt.socket->twin.get();
  const int error = ConnectUnix(unix_rules_, twin, *place);
  if (error == EACCES) return state_.Refuse(attempt.call, DeniedAct::kConnect, PathOf(place->get()));
  if (error != EAGAIN || !attempt.blocking) return Finish(attempt, error);
  Again(attempt, EAGAIN, [this, attempt, place = std::move(place)] { RetryPath(attempt, place); });
}

/// Tries once more in a moment. `late`: errno when there is no time left for that.
void GuardStreams::Again(const Attempt& attempt, int late, std::function<void()> retry) {
  attempt.socket->busy = true;
  const auto again = [this, attempt, retry = std::move(retry)] {
    attempt.socket->busy = false;
    if (state_.held.Take(attempt.call.id)) retry();
  };
  const EventLoop::TimerId timer = state_.loop.At(Clock::now() + kRetry, again);
  const auto dropped = [this, timer, socket = attempt.socket] {
    socket->busy = false;
    state_.loop.CancelTimer(timer);
  };
  if (state_.held.Keep(attempt.call, {attempt.deadline, late, dropped})) return;
  dropped();
  state_.calls.Fail(attempt.call.id, EAGAIN);
}

}  // namespace rune::sandbox
