#include "sandbox/guard/guard_servers.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sandbox/base/paths.h"
#include "sandbox/guard/file_user.h"
#include "sandbox/guard/listening_socket.h"
#include "sandbox/guard/loopback_door.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxListeners = 1024;
/// Below it a port takes a privilege (ip(7), ip_unprivileged_port_start).
constexpr std::uint16_t kFirstFreePort = 1024;

bool OnlyV6(int socket) {
  int only = 0;
  socklen_t size = sizeof only;
  return ::getsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) == 0 && only != 0;
}

/// Everybody in the same network namespace could connect to it. Binding to nothing makes the kernel choose such a name.
bool IsAbstract(SocketAddress::Kind kind) {
  return kind == SocketAddress::Kind::kUnixAbstract || kind == SocketAddress::Kind::kUnixUnnamed;
}

bool HasAbstractName(int socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return true;
  const std::string_view bytes(reinterpret_cast<const char*>(&storage), length);
  return DecodeSocketAddress(bytes).kind == SocketAddress::Kind::kUnixAbstract;
}

/// Loopback for a socket that asked for every address. One of both families becomes an IPv4 one: what connects to ::1
/// is led there too (OwnListener()).
Endpoint LoopbackFor(const GuardedSocket& socket) {
  if (socket.domain == AF_INET6 && OnlyV6(socket.twin.get())) return {*ParseIp("::1"), 0, 0};
  return {*ParseIp("127.0.0.1"), 0, 0};
}

/// Who connects to a Unix socket is told who listens (unix(7), SO_PEERCRED).
int ListenAs(const GuardOptions& options, int socket, int backlog) {
  const CommandIds as(options.tool_uid, options.tool_gid);
  return ::listen(socket, backlog) == 0 ? 0 : errno;
}

}  // namespace

void GuardServers::Bind(const SystemCall& call, GuardedSocket& socket, std::string bytes) {
  if (socket.kind == GuardedSocket::Kind::kStream) return BindStream(call, socket, std::move(bytes));
  const SocketAddress address = DecodeSocketAddress(bytes);
  if (IsAbstract(address.kind)) return state_.Refuse(call, DeniedAct::kBind, "an abstract socket");
  if (!state_.options.ports_held && !state_.options.watch_only) {
    if (address.kind != SocketAddress::Kind::kUnixPath) return state_.calls.Fail(call.id, EINVAL);
    return state_.Answer(call, BindPath(call, socket, address.path));
  }
  // Whether a socket may be made at this path is Landlock's and the file system's business, by the caller's rights.
  // Should another thread put an internet socket and address in their place meanwhile, they are refused there too; an
  // abstract name is looked at when somebody listens on it.
  state_.calls.Continue(call.id);
}

/// As the command would, with its rights and its mask, in a tree that it may write: where nothing else holds its ports,
/// the kernel must not look at descriptor and address again.
int GuardServers::BindPath(const SystemCall& call, const GuardedSocket& socket, const std::string& path) {
  const Tracee tracee(call.tid);
  const UniqueFd start = tracee.WorkingDirectory();
  const auto mask = tracee.FileMask();
  if (!start.valid() || !mask || !state_.calls.StillWaits(call.id)) return EACCES;
  const std::string directory = path.find('/') == std::string::npos ? "." : ParentOf(path);
  const UniqueFd parent = OpenPlaceAs(state_.options.tool_uid, start.get(), directory, O_PATH | O_DIRECTORY);
  if (!parent.valid()) return errno;
  const std::string name(FileName(path));
  const std::string real = PathOf(parent.get()) + "/" + name;
  if (!state_.options.trees->Contains(parent.get()) || IsBelowAny(real, state_.options.files->denied)) return EACCES;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string at = LinkTo(parent.get()) + "/" + name;
  if (at.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, at.c_str(), at.size());
  const FileUser as(state_.options.tool_uid);
  const mode_t ours = ::umask(*mask);
  const int error = ::bind(socket.twin.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  ::umask(ours);
  return error;
}

bool GuardServers::MayServe(const IpAddress& address, std::uint16_t port) const {
  if (state_.options.watch_only) return true;
  // Whatever the rules say: they open the way out, not the way in.
  const AddressKind kind = KindOf(address);
  if (kind != AddressKind::kLoopback && kind != AddressKind::kUnspecified) return false;
  const DomainAllowlist& rules = *state_.options.rules;
  return port >= kFirstFreePort || rules.every() || rules.AllowsAddress(address, port);
}

void GuardServers::BindStream(const SystemCall& call, GuardedSocket& socket, std::string bytes) {
  SocketAddress address = DecodeSocketAddress(bytes);
  if (address.kind == SocketAddress::Kind::kUnspecified && socket.domain == AF_INET) {
    // bind(2) takes AF_UNSPEC for AF_INET, as long as the address is 0.0.0.0.
    const sa_family_t family = AF_INET;
    std::memcpy(bytes.data(), &family, sizeof family);
    address = DecodeSocketAddress(bytes);
    if (address.kind == SocketAddress::Kind::kInet && KindOf(address.inet.address) != AddressKind::kUnspecified) {
      return state_.calls.Fail(call.id, EAFNOSUPPORT);
    }
  }
  if (address.kind == SocketAddress::Kind::kMalformed) return state_.calls.Fail(call.id, EINVAL);
  if (address.kind != SocketAddress::Kind::kInet || address.family != socket.domain) {
    return state_.calls.Fail(call.id, EAFNOSUPPORT);
  }
  Endpoint wanted = address.inet;
  wanted.address = Unwrap(wanted.address);
  const AddressKind kind = KindOf(wanted.address);
  const bool any_port = wanted.port == 0;
  const bool own = any_port && (kind == AddressKind::kLoopback || kind == AddressKind::kUnspecified);
  if (!own && !MayServe(wanted.address, wanted.port)) return RefuseToServe(call, wanted);
  wanted = address.inet;
  // Who asks for every address gets the one that this machine alone can reach.
  if (kind == AddressKind::kUnspecified) {
    wanted = LoopbackFor(socket);
    wanted.port = address.inet.port;
  }
  state_.Answer(call, BindAsWished(socket, wanted));
}

/// On the machine's loopback a port may be a stranger's, or wanted by one, who would then be served by the command:
/// there it gets another. It need not know, for what of it connects to the port comes through us.
int GuardServers::BindAsWished(GuardedSocket& socket, const Endpoint& wished) {
  const bool named = state_.options.watch_only || state_.options.rules->AllowsAddress(wished.address, wished.port);
  if (state_.options.own_socket || wished.port == 0 || named) return BindTwin(socket, wished);
  if (OwnListener(wished.address, wished.port)) return EADDRINUSE;
  Endpoint another = wished;
  another.port = 0;
  if (const int failed = BindTwin(socket, another)) return failed;
  socket.wished = wished;
  return 0;
}

void GuardServers::RefuseToServe(const SystemCall& call, const Endpoint& at) {
  const AddressKind kind = KindOf(at.address);
  const bool grantable = kind == AddressKind::kLoopback || kind == AddressKind::kUnspecified;
  state_.Refuse(call, DeniedAct::kBind, Format(at), grantable ? DomainRemedy(Format(at.address), at.port) : Remedy());
}

int GuardServers::BindTwin(GuardedSocket& socket, const Endpoint& address) {
  const std::string bytes = EncodeFor(socket.domain, address);
  const int err = BindSocket(socket.twin.get(), bytes);
  if (err != EADDRINUSE) return err;
  // Perhaps by a twin whose socket the command has closed: looking for a free port ends like that.
  state_.sockets.Collect(1);
  return BindSocket(socket.twin.get(), bytes);
}

void GuardServers::Listen(const SystemCall& call) {
  const Tracee tracee(call.tid);
  SocketTable::Entry socket;
  if (!state_.FindSocket(call, tracee, socket)) return;
  if (socket == nullptr) return state_.calls.Fail(call.id, EACCES);
  switch (socket->kind) {
    case GuardedSocket::Kind::kDatagram:
    case GuardedSocket::Kind::kOwnUdp:
    case GuardedSocket::Kind::kRoute:
      return state_.calls.Fail(call.id, EOPNOTSUPP);
    case GuardedSocket::Kind::kConnected:
      return state_.calls.Fail(call.id, EINVAL);
    case GuardedSocket::Kind::kListening:
      return state_.calls.Return(call.id, 0);  // a new backlog
    case GuardedSocket::Kind::kStream:
    case GuardedSocket::Kind::kUnix:
      break;
  }
  Endpoint local = LocalEndpoint(socket->twin.get());
  if (socket->kind == GuardedSocket::Kind::kUnix && HasAbstractName(socket->twin.get())) {
    return state_.Refuse(call, DeniedAct::kBind, "an abstract socket");
  }
  if (socket->kind == GuardedSocket::Kind::kStream) {
    if (local.port == 0) {
      // The kernel would choose a port on every address.
      if (const int err = BindTwin(*socket, LoopbackFor(*socket))) return state_.calls.Fail(call.id, err);
      local = LocalEndpoint(socket->twin.get());
    }
    // Not all that is bound was bound by us (see Bind()): what it is bound to decides.
    if (KindOf(local.address) != AddressKind::kLoopback || !MayServe(local.address, local.port)) {
      return RefuseToServe(call, local);
    }
  }
  if (const int err = ListenAs(state_.options, socket->twin.get(), call.Int(1))) return state_.calls.Fail(call.id, err);
  if (socket->kind == GuardedSocket::Kind::kStream) {
    if (listeners_.size() >= kMaxListeners) ForgetListeners();
    const std::uint16_t port = socket->wished ? socket->wished->port : local.port;
    listeners_.push_back({local, port, socket->inode});
    // It was asked for before it was there: no refusal, an early question.
    for (const char* address : {"127.0.0.1", "::1"})
      state_.notes.Forget(DeniedBy::kNetwork, DeniedAct::kConnect, Format(Endpoint{*ParseIp(address), port, 0}));
  }
  state_.sockets.Retire(*socket, GuardedSocket::Kind::kListening);
  state_.calls.Return(call.id, 0);
}

/// Those that are closed; where that is not enough, the oldest.
void GuardServers::ForgetListeners() {
  const auto open = OpenSockets(state_.options.tool_uid);
  std::erase_if(listeners_, [&](const Listener& old) { return open && !open->contains(old.inode); });
  const std::size_t most = kMaxListeners * 3 / 4;
  if (listeners_.size() <= most) return;
  listeners_.erase(listeners_.begin(), listeners_.begin() + static_cast<std::ptrdiff_t>(listeners_.size() - most));
}

bool GuardServers::IsOurs(const Endpoint& at) const {
  std::set<ino_t> inodes;
  for (const Listener& listener : listeners_) {
    if (listener.address.port == at.port) inodes.insert(listener.inode);
  }
  const UniqueFd netlink =
      state_.MakeInternetSocket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
  const auto found = ListenerAt(netlink.get(), at);
  if (found || state_.options.own_socket) return found && inodes.contains(*found);
  return AreAllListeners(at.port, inodes);
}

std::optional<Endpoint> GuardServers::OwnListener(const IpAddress& loopback, std::uint16_t port) {
  for (auto it = listeners_.begin(); it != listeners_.end(); ++it) {
    if (it->port != port) continue;
    // An IPv4 socket cannot reach one that listens on ::1 alone.
    if (loopback.is_v4() && !it->address.address.is_v4()) continue;
    if (IsOurs(it->address)) return it->address;
    listeners_.erase(it);
    return OwnListener(loopback, port);
  }
  return std::nullopt;
}

}  // namespace rune::sandbox
