#include "sandbox/guard/guard_datagrams.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <utility>
#include <vector>

#include "sandbox/guard/loopback_door.h"
#include "sandbox/network/nonblocking_socket.h"

namespace rune::sandbox {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kMaxDatagram = 64 << 10;
constexpr int kDatagramsPerTurn = 16;
constexpr std::size_t kMaxPieces = 64;

template <typename T>
std::span<char> BytesOf(T& value) {
  return {reinterpret_cast<char*>(&value), sizeof value};
}

std::string& Buffer() {
  static std::string buffer(kMaxDatagram, '\0');
  return buffer;
}

std::uint16_t MadeUpPort(const GuardedSocket& socket) {
  return static_cast<std::uint16_t>(32768 + socket.inode % 28232);
}

/// What getsockname(2) says of a stand-in: an address from which its peer could be reached.
Endpoint LocalNameOf(const GuardedSocket& socket) {
  const bool v6 = socket.domain == AF_INET6;
  Endpoint name{*ParseIp(v6 ? "::" : "0.0.0.0"), 0, 0};
  if (socket.bound) name = *socket.bound;
  if (!socket.bound && (socket.peer || socket.last)) name.port = MadeUpPort(socket);
  if (socket.peer && KindOf(name.address) == AddressKind::kUnspecified) {
    const IpAddress peer = Unwrap(socket.peer->address);
    const bool loopback = KindOf(peer) == AddressKind::kLoopback;
    name.address = !loopback ? *ParseIp("198.18.0.1") : *ParseIp(peer.is_v4() ? "127.0.0.1" : "::1");
  }
  return v6 && name.address.is_v4() ? MapToV6(name) : name;
}

/// Who is asked for there can only be the command itself.
bool IsOfOwnNetwork(const Endpoint& at) {
  const AddressKind kind = KindOf(Unwrap(at.address));
  return at.port != kDnsPort && (kind == AddressKind::kLoopback || kind == AddressKind::kUnspecified);
}

template <typename T>
void CopyOptions(int from, int to, std::initializer_list<int> options) {
  for (const int option : options) {
    T value{};
    socklen_t size = sizeof value;
    if (::getsockopt(from, SOL_SOCKET, option, &value, &size) == 0) ::setsockopt(to, SOL_SOCKET, option, &value, size);
  }
}

int ConnectSocket(int socket, const std::string& address) {
  sockaddr_storage storage{};
  const std::size_t length = std::min(address.size(), sizeof storage);
  std::memcpy(&storage, address.data(), length);
  return ::connect(socket, reinterpret_cast<sockaddr*>(&storage), static_cast<socklen_t>(length)) == 0 ? 0 : errno;
}

/// Writes a name where the caller wants it, cut to the room that it has there, and its true length. 0 or an errno.
int WriteName(Tracee& tracee, std::uint64_t address, std::uint64_t length_address, std::string_view name) {
  socklen_t room = 0;
  if (const int err = tracee.Read(length_address, BytesOf(room))) return err;
  if (static_cast<int>(room) < 0) return EINVAL;
  if (const int err = tracee.Write(address, name.substr(0, room))) return err;
  auto length = static_cast<socklen_t>(name.size());
  return tracee.Write(length_address, BytesOf(length));
}

}  // namespace

GuardDatagrams::GuardDatagrams(GuardState& state, const GuardRoutes& routes, Endpoint server)
    : state_(state), routes_(routes), server_(server) {}

void GuardDatagrams::Start(const SocketTable::Entry& socket) {
  state_.loop.Watch(socket->ours.get(), POLLIN, [this, socket](short) { Hear(socket); });
}

void GuardDatagrams::Stop(GuardedSocket& socket) { state_.loop.Unwatch(socket.ours.get()); }

void GuardDatagrams::Hear(const SocketTable::Entry& socket) {
  std::string& buffer = Buffer();
  for (int i = 0; i < kDatagramsPerTurn; ++i) {
    const ssize_t n = ::recv(socket->ours.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0) return;
    // After shutdown(2) of the command's end poll(2) would tell of the end of file for ever.
    if (n == 0 && (ReadyNow(socket->ours.get(), POLLRDHUP) & (POLLRDHUP | POLLHUP)) != 0) return Stop(*socket);
    Ask(*socket, std::string_view(buffer).substr(0, static_cast<std::size_t>(n)), socket->peer);
  }
}

void GuardDatagrams::Ask(GuardedSocket& socket, std::string_view datagram, const std::optional<Endpoint>& server) {
  const bool for_dns = !server || server->port == kDnsPort;
  const auto answer = for_dns ? state_.dns.Answer(datagram) : std::nullopt;
  if (!answer) {
    std::string target = "(destination unknown)";
    if (server) {
      const Route route = routes_.To(*server);
      target = server->port == kDnsPort ? Format(*server) : route.Text();
      state_.ledger.Refuse(route.target.key(), server->port);
    }
    return NoteRefused(DeniedAct::kSend, target);
  }
  // Whoever does not read loses answers, as with UDP.
  ::send(socket.ours.get(), answer->data(), answer->size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  Serve(socket);
}

/// No entry lets a datagram out: UDP reaches our resolver and nobody else.
void GuardDatagrams::NoteRefused(DeniedAct what, const std::string& target) {
  state_.notes.Add({.by = DeniedBy::kNetwork, .what = what, .target = target});
}

/// 0: `socket` is a UDP socket of the command's own network from now on, under the same number. Registrations with
/// epoll(7) and copies of the descriptor are left behind, which programs make after this. Else an errno.
int GuardDatagrams::BecomeOwn(const SystemCall& call, SocketTable::Entry& socket) {
  if (socket->kind == GuardedSocket::Kind::kOwnUdp) return 0;
  const int flags = IsBlocking(socket->twin.get()) ? 0 : SOCK_NONBLOCK;
  GuardedSocket own;
  own.kind = GuardedSocket::Kind::kOwnUdp;
  own.domain = socket->domain;
  own.twin = state_.MakeInternetSocket(socket->domain, SOCK_DGRAM | flags, 0);
  if (!own.twin.valid()) return errno;
  CopyOptions<timeval>(socket->twin.get(), own.twin.get(), {SO_RCVTIMEO, SO_SNDTIMEO});
  CopyOptions<int>(socket->twin.get(), own.twin.get(), {SO_REUSEADDR, SO_BROADCAST});
  const int cloexec = Tracee(call.tid).ClosesOnExec(call.Int(0)) ? O_CLOEXEC : 0;
  if (const int err = state_.calls.Replace(call.id, own.twin.get(), call.Int(0), cloexec)) return err;
  state_.sockets.Remove(*socket);
  socket = state_.sockets.Add(std::move(own));
  return socket == nullptr ? ENOBUFS : 0;
}

/// What is sent to nobody of the run's own may have been meant for somebody of the machine, who does not hear it. Of a
/// connected socket nothing is noted: getaddrinfo(3) connects one for each address that it sorts.
void GuardDatagrams::NoteUnheard(const Endpoint& at) {
  const auto hears = [&](const GuardedSocket& socket) {
    return socket.kind == GuardedSocket::Kind::kOwnUdp && LocalEndpoint(socket.twin.get()).port == at.port;
  };
  if (!state_.sockets.Any(hears)) NoteRefused(DeniedAct::kSend, routes_.To(at).Text());
}

void GuardDatagrams::Bind(const SystemCall& call, SocketTable::Entry socket, const std::string& bytes) {
  const SocketAddress address = DecodeSocketAddress(bytes);
  if (address.kind == SocketAddress::Kind::kMalformed) return state_.calls.Fail(call.id, EINVAL);
  // Every address and no port says nothing: resolvers do it, too.
  const bool serves = address.inet.port != 0 || KindOf(Unwrap(address.inet.address)) == AddressKind::kLoopback;
  if (state_.options.own_socket && address.kind == SocketAddress::Kind::kInet && serves) {
    if (const int err = BecomeOwn(call, socket)) return state_.calls.Fail(call.id, err);
  }
  if (socket->kind == GuardedSocket::Kind::kOwnUdp) {
    int err = BindSocket(socket->twin.get(), bytes);
    if (err == EADDRINUSE) {
      state_.sockets.Collect(1);  // as for streams
      err = BindSocket(socket->twin.get(), bytes);
    }
    const Endpoint at = LocalEndpoint(socket->twin.get());
    for (const char* loopback : {"127.0.0.1", "::1"})
      state_.notes.Forget(DeniedBy::kNetwork, DeniedAct::kSend, Format(Endpoint{*ParseIp(loopback), at.port, 0}));
    return state_.Answer(call, err);
  }
  socket->bound = address.inet;
  // It is bound to nothing; what getsockname(2) says is made up.
  if (socket->bound->port == 0) socket->bound->port = MadeUpPort(*socket);
  state_.calls.Return(call.id, 0);
}

void GuardDatagrams::Connect(const SystemCall& call, SocketTable::Entry socket, const std::string& bytes) {
  const SocketAddress address = DecodeSocketAddress(bytes);
  const bool own = socket->kind == GuardedSocket::Kind::kOwnUdp;
  switch (address.kind) {
    case SocketAddress::Kind::kUnspecified:
      if (own) return state_.Answer(call, ConnectSocket(socket->twin.get(), bytes));
      socket->peer.reset();
      return state_.calls.Return(call.id, 0);
    case SocketAddress::Kind::kInet:
      break;
    case SocketAddress::Kind::kMalformed:
      return state_.calls.Fail(call.id, EINVAL);
    case SocketAddress::Kind::kUnixPath:
    case SocketAddress::Kind::kUnixAbstract:
    case SocketAddress::Kind::kUnixUnnamed:
    case SocketAddress::Kind::kOther:
      return state_.calls.Fail(call.id, EAFNOSUPPORT);
  }
  if (state_.options.own_socket && IsOfOwnNetwork(address.inet)) {
    const int err = BecomeOwn(call, socket);
    return state_.Answer(call, err != 0 ? err : ConnectSocket(socket->twin.get(), bytes));
  }
  // Nothing is sent by this. Libraries do it to a name server, and to each address of a name, to learn which source
  // address would be used (RFC 6724); what is unreachable is merely sorted last.
  const AddressKind kind = KindOf(address.inet.address);
  const bool local = kind == AddressKind::kLoopback || kind == AddressKind::kUnspecified;
  if (!own && (address.inet.port == kDnsPort || local)) {
    socket->peer = address.inet;
    return state_.calls.Return(call.id, 0);
  }
  const bool sorting = address.inet.port == 0 || address.inet.port == 9 || kind == AddressKind::kFake;
  if (const Route route = routes_.To(address.inet); !sorting && !route.permitted) {
    NoteRefused(DeniedAct::kConnect, route.Text() + " (UDP)");
  }
  state_.calls.Fail(call.id, ENETUNREACH);
}

void GuardDatagrams::SendTo(const SystemCall& call) {
  Tracee tracee(call.tid);
  SocketTable::Entry socket;
  if (!state_.FindSocket(call, tracee, socket)) return;
  // Streams and pairs ignore the address (MSG_FASTOPEN is refused by the filter), and other sockets there are none.
  if (socket == nullptr || socket->kind != GuardedSocket::Kind::kDatagram) return state_.calls.Continue(call.id);
  std::string bytes;
  if (const int err = ReadSocketAddress(tracee, call.arguments[4], call.Int(5), bytes)) {
    return state_.FailLook(call, err);
  }
  const SocketAddress address = DecodeSocketAddress(bytes);
  if (address.kind != SocketAddress::Kind::kInet) {
    return state_.calls.Fail(call.id, address.kind == SocketAddress::Kind::kMalformed ? EINVAL : EAFNOSUPPORT);
  }
  if (state_.options.own_socket && IsOfOwnNetwork(address.inet)) {
    NoteUnheard(address.inet);
    if (const int err = BecomeOwn(call, socket)) return state_.calls.Fail(call.id, err);
    return state_.calls.Continue(call.id);
  }
  if (address.inet.port != kDnsPort) {
    const Route route = routes_.To(address.inet);
    state_.ledger.Refuse(route.target.key(), address.inet.port);
    return state_.Refuse(call, DeniedAct::kSend, route.Text());
  }
  if (call.arguments[2] > kMaxDatagram) return state_.calls.Fail(call.id, EMSGSIZE);
  std::string datagram(static_cast<std::size_t>(call.arguments[2]), '\0');
  if (const int err = tracee.Read(call.arguments[1], datagram)) return state_.FailLook(call, err);
  if (!state_.calls.StillWaits(call.id)) return;
  socket->last = address.inet;
  // First the answer, then its question's success: the caller may look at once.
  Ask(*socket, datagram, address.inet);
  state_.calls.Return(call.id, static_cast<std::int64_t>(datagram.size()));
}

void GuardDatagrams::Receive(const SystemCall& call) {
  const Tracee tracee(call.tid);
  ino_t inode = 0;
  const SocketTable::Entry socket = tracee.SocketInode(call.Int(0), inode) == 0 ? state_.sockets.Find(inode) : nullptr;
  // What is received decides nothing.
  if (socket == nullptr || socket->kind != GuardedSocket::Kind::kDatagram) return state_.calls.Continue(call.id);
  if (TryReceive(call, *socket)) return;
  const int flags = call.Int(call.number == SYS_recvmsg ? 2 : 3);
  if ((flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) != 0 || !IsBlocking(socket->twin.get())) {
    return state_.calls.Fail(call.id, EAGAIN);
  }
  const auto dropped = [socket, id = call.id] {
    std::erase_if(socket->receives, [&](const SystemCall& waiting) { return waiting.id == id; });
  };
  if (!state_.held.Keep(call, {DeadlineOf(socket->twin.get(), SO_RCVTIMEO), EAGAIN, dropped})) {
    return state_.calls.Fail(call.id, ENOBUFS);
  }
  socket->receives.push_back(call);
}

void GuardDatagrams::Serve(GuardedSocket& socket) {
  while (!socket.receives.empty()) {
    pollfd ready{socket.twin.get(), POLLIN, 0};
    if (::poll(&ready, 1, 0) != 1) return;
    const SystemCall call = socket.receives.front();
    socket.receives.pop_front();
    if (state_.held.Take(call.id) && !TryReceive(call, socket)) state_.calls.Fail(call.id, EAGAIN);
  }
}

/// False when there is nothing to receive.
bool GuardDatagrams::TryReceive(const SystemCall& call, GuardedSocket& socket) {
  Tracee tracee(call.tid);
  pollfd ready{socket.twin.get(), POLLIN, 0};
  const int flags = call.Int(call.number == SYS_recvmsg ? 2 : 3);
  if ((flags & MSG_ERRQUEUE) != 0 || ::poll(&ready, 1, 0) != 1) return false;
  if (!tracee.Pin(state_.calls, call.id)) {
    state_.FailLook(call, EACCES);
    return true;
  }
  std::int64_t result = 0;
  const int err = Deliver(call, socket, tracee, result);
  if (err == 0) {
    state_.calls.Return(call.id, result);
  } else {
    state_.FailLook(call, err);
  }
  return true;
}

int GuardDatagrams::Deliver(const SystemCall& call, GuardedSocket& socket, Tracee& tracee, std::int64_t& result) {
  const bool message = call.number == SYS_recvmsg;
  const int flags = call.Int(message ? 2 : 3);
  msghdr header{};
  std::vector<iovec> pieces(1);
  if (message) {
    if (const int err = tracee.Read(call.arguments[1], BytesOf(header))) return err;
    if (header.msg_iovlen > kMaxPieces) return EMSGSIZE;
    pieces.resize(header.msg_iovlen);
    const std::span<char> bytes(reinterpret_cast<char*>(pieces.data()), pieces.size() * sizeof(iovec));
    if (const int err = tracee.Read(reinterpret_cast<std::uint64_t>(header.msg_iov), bytes)) return err;
  } else {
    pieces[0] = {reinterpret_cast<void*>(call.arguments[1]), static_cast<std::size_t>(call.arguments[2])};
  }
  std::string& buffer = Buffer();
  const ssize_t n = ::recv(socket.twin.get(), buffer.data(), buffer.size(), (flags & MSG_PEEK) | MSG_DONTWAIT);
  if (n < 0) return errno;
  std::string_view left(buffer.data(), static_cast<std::size_t>(n));
  for (const iovec& piece : pieces) {
    const std::string_view part = left.substr(0, piece.iov_len);
    if (const int err = tracee.Write(reinterpret_cast<std::uint64_t>(piece.iov_base), part)) return err;
    left.remove_prefix(part.size());
  }
  result = (flags & MSG_TRUNC) != 0 ? n : n - static_cast<ssize_t>(left.size());
  const std::string name = EncodeFor(socket.domain, SourceFor(socket));
  if (!message) return WriteName(tracee, call.arguments[4], call.arguments[5], name);

  header.msg_flags = left.empty() ? 0 : MSG_TRUNC;
  header.msg_controllen = 0;
  if (header.msg_name != nullptr) {
    const std::string_view cut = std::string_view(name).substr(0, header.msg_namelen);
    if (const int err = tracee.Write(reinterpret_cast<std::uint64_t>(header.msg_name), cut)) return err;
    header.msg_namelen = static_cast<socklen_t>(name.size());
  }
  return tracee.Write(call.arguments[1], BytesOf(header));
}

/// Resolvers check that an answer comes from where they asked.
Endpoint GuardDatagrams::SourceFor(const GuardedSocket& socket) const {
  if (socket.peer) return *socket.peer;
  return socket.last.value_or(server_);
}

void GuardDatagrams::Name(const SystemCall& call) {
  Tracee tracee(call.tid);
  ino_t inode = 0;
  const SocketTable::Entry socket = tracee.SocketInode(call.Int(0), inode) == 0 ? state_.sockets.Find(inode) : nullptr;
  const bool of_peer = call.number == SYS_getpeername;
  std::string name;
  if (socket != nullptr && socket->kind == GuardedSocket::Kind::kDatagram) {
    if (of_peer && !socket->peer) return state_.calls.Fail(call.id, ENOTCONN);
    name = EncodeFor(socket->domain, of_peer ? *socket->peer : LocalNameOf(*socket));
  } else if (socket != nullptr && socket->kind == GuardedSocket::Kind::kConnected && of_peer) {
    name = socket->asked;
  } else if (socket != nullptr && socket->wished && !of_peer) {
    name = EncodeFor(socket->domain, *socket->wished);
  }
  if (name.empty()) return state_.calls.Continue(call.id);
  if (!tracee.Pin(state_.calls, call.id)) return state_.FailLook(call, EACCES);
  const int err = WriteName(tracee, call.arguments[1], call.arguments[2], name);
  if (err != 0) return state_.FailLook(call, err);
  state_.calls.Return(call.id, 0);
}

}  // namespace rune::sandbox
