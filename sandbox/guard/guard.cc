#include "sandbox/guard/guard.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

#include "sandbox/guard/guard_datagrams.h"
#include "sandbox/guard/guard_interfaces.h"
#include "sandbox/guard/guard_metadata.h"
#include "sandbox/guard/guard_programs.h"
#include "sandbox/guard/guard_routes.h"
#include "sandbox/guard/guard_servers.h"
#include "sandbox/guard/guard_signals.h"
#include "sandbox/guard/guard_state.h"
#include "sandbox/guard/guard_streams.h"
#include "sandbox/guard/guard_watches.h"
#include "sandbox/layers/seccomp_table.h"

namespace rune::sandbox {
namespace {

/// So that one command cannot keep the others waiting.
constexpr int kCallsPerTurn = 64;
constexpr std::size_t kMaxTroubles = 16;
constexpr int kTypeFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;

/// Whether the filter refuses this option: it asks us about all options that a stand-in lacks, and about the refused
/// ones for the report. Both are decided by registers, which nobody can change meanwhile.
bool IsRefusedOption(const SystemCall& call) {
  for (const ArgumentRule& rule : GuardedNetworkRules()) {
    if (rule.name != "setsockopt" || rule.action != SeccompErrno(EPERM)) continue;
    bool all = true;
    for (const ArgumentTest& test : rule.tests) {
      if (test.kind != ArgumentTest::Kind::kEqual) continue;
      all = all && (static_cast<std::uint32_t>(call.Int(test.argument)) & test.mask) == test.value;
    }
    if (all) return true;
  }
  return false;
}

Endpoint FirstServer(const ResolverConfig& config) {
  return config.servers.empty() ? Endpoint{*ParseIp("127.0.0.1"), 53, 0} : config.servers.front();
}

}  // namespace

class NetworkGuard::Impl {
 public:
  Impl(EventLoop& loop, Resolver& resolver, GuardOptions options)
      : state_(loop, std::move(options)),
        servers_(state_),
        programs_(state_),
        metadata_(state_),
        signals_(state_, programs_),
        watches_(state_),
        interfaces_(state_),
        routes_({.rules = state_.options.rules,
                 .dns = &state_.dns,
                 .every_target = state_.options.watch_only,
                 .own_listener = [this](const IpAddress& ip,
                                        std::uint16_t port) { return servers_.OwnListener(ip, port); }},
                resolver.config()),
        relay_(loop, resolver, RelaySettings()),
        streams_(state_, routes_, relay_),
        datagrams_(state_, routes_, FirstServer(resolver.config())) {
    state_.sockets.OnDropped([this](GuardedSocket& socket) {
      if (socket.kind == GuardedSocket::Kind::kDatagram) datagrams_.Stop(socket);
    });
  }
  ~Impl() { Close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Serve(UniqueFd listener) {
    state_.calls.Open(std::move(listener));
    state_.loop.Watch(state_.calls.fd(), POLLIN, [this](short events) { Turn(events); });
  }

  const EgressLedger& ledger() const { return state_.ledger; }

  void AddTo(Report& report) const {
    const auto denials = state_.notes.All();
    report.denials.insert(report.denials.end(), denials.begin(), denials.end());
    const auto entries = state_.ledger.Entries();
    report.egress.insert(report.egress.end(), entries.begin(), entries.end());
    report.troubles.insert(report.troubles.end(), state_.troubles.begin(), state_.troubles.end());
    if (state_.options.watch_only) report.programs = programs_.programs();
  }

 private:
  RelayOptions RelaySettings() {
    RelayOptions settings;
    settings.rules = state_.options.rules;
    settings.ledger = &state_.ledger;
    settings.proxy = state_.options.proxy;
    if (state_.options.upload_left) {
      settings.upload_left = [this](const std::string& account) {
        const std::uint64_t left = state_.options.upload_left(account);
        const std::uint64_t sent = state_.ledger.Charged(account);
        return left > sent ? left - sent : 0;
      };
    }
    settings.inspect = !state_.options.watch_only;
    settings.on_trouble = [this](const std::string& trouble) {
      const bool known = std::find(state_.troubles.begin(), state_.troubles.end(), trouble) != state_.troubles.end();
      if (!known && state_.troubles.size() < kMaxTroubles) state_.troubles.push_back(trouble);
    };
    settings.on_refused = [this](const RelayRefusal& refusal, const RelayTarget& target) {
      state_.notes.Add({.by = DeniedBy::kNetwork,
                        .what = refusal.what,
                        .target = target.key() + ":" + std::to_string(target.port) + ": " + refusal.detail,
                        .remedy = refusal.remedy});
    };
    return settings;
  }

  void Turn(short events) {
    if ((events & POLLIN) != 0) {
      for (int i = 0; i < kCallsPerTurn; ++i) {
        if (const auto call = state_.calls.Receive()) Dispatch(*call);
        if (!state_.calls.AnotherWaits()) break;
      }
    } else if ((events & (POLLHUP | POLLERR)) != 0) {
      Close();
    }
  }

  /// The last process is gone, or we are. Connections that are through the relay end by themselves.
  void Close() {
    if (!state_.calls.open()) return;
    state_.held.Clear();
    state_.sockets.Clear();
    streams_.Clear();
    watches_.Clear();
    state_.loop.Unwatch(state_.calls.fd());
    state_.calls.Close();
  }

  void Dispatch(const SystemCall& call) {
    switch (call.number) {
      case SYS_socket:
        return MakeSocket(call);
      case SYS_connect:
        return Connect(call);
      case SYS_bind:
        return Bind(call);
      case SYS_listen:
        return servers_.Listen(call);
      case SYS_sendto:
        return datagrams_.SendTo(call);
      case SYS_recvfrom:
      case SYS_recvmsg:
        return datagrams_.Receive(call);
      case SYS_getsockname:
      case SYS_getpeername:
        return datagrams_.Name(call);
      case SYS_setsockopt:
        return SetOption(call);
      case SYS_ioctl:
        return GuardInterfaces::Knows(call) ? interfaces_.Ask(call) : programs_.RefuseSyscall(call);
      case SYS_execve:
      case SYS_execveat:
        return programs_.Execute(call);
      case SYS_mmap:
        return programs_.Map(call);
      default:
        if (!metadata_.Handle(call) && !signals_.Handle(call) && !watches_.Handle(call)) programs_.RefuseSyscall(call);
    }
  }

  void MakeSocket(const SystemCall& call);
  void Connect(const SystemCall& call);
  void Bind(const SystemCall& call);
  void SetOption(const SystemCall& call);

  GuardState state_;
  GuardServers servers_;
  GuardPrograms programs_;
  GuardMetadata metadata_;
  GuardSignals signals_;
  GuardWatches watches_;
  GuardInterfaces interfaces_;
  GuardRoutes routes_;
  Relay relay_;
  GuardStreams streams_;
  GuardDatagrams datagrams_;
};

/// The filter lets through what is made here: TCP, UDP, Unix streams and seqpackets.
void NetworkGuard::Impl::MakeSocket(const SystemCall& call) {
  const int domain = call.Int(0);
  const int type = call.Int(1) & ~kTypeFlags;
  const int flags = call.Int(1) & kTypeFlags;
  const bool internet = domain == AF_INET || domain == AF_INET6;
  GuardedSocket socket;
  socket.domain = domain;
  socket.kind = domain == AF_UNIX      ? GuardedSocket::Kind::kUnix
                : domain == AF_NETLINK ? GuardedSocket::Kind::kRoute
                : type == SOCK_DGRAM   ? GuardedSocket::Kind::kDatagram
                                       : GuardedSocket::Kind::kStream;
  const bool known = (internet && (type == SOCK_STREAM || type == SOCK_DGRAM)) ||
                     (domain == AF_UNIX && (type == SOCK_STREAM || type == SOCK_SEQPACKET)) || domain == AF_NETLINK;
  if (!known) return state_.calls.Fail(call.id, EPROTONOSUPPORT);
  // The machine's interfaces and routes are none of the command's business.
  if (domain == AF_NETLINK && !state_.options.own_socket) return state_.calls.Fail(call.id, EAFNOSUPPORT);
  if (!state_.sockets.HasRoom()) return state_.calls.Fail(call.id, EMFILE);
  if (socket.kind == GuardedSocket::Kind::kDatagram) {
    int pair[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | (flags & SOCK_NONBLOCK), 0, pair) != 0) {
      return state_.calls.Fail(call.id, errno);
    }
    socket.twin.Reset(pair[0]);
    socket.ours.Reset(pair[1]);
  } else {
    const int full = type | SOCK_CLOEXEC | (flags & SOCK_NONBLOCK);
    socket.twin = domain == AF_UNIX ? UniqueFd(::socket(domain, full, call.Int(2)))
                                    : state_.MakeInternetSocket(domain, full, call.Int(2));
    if (!socket.twin.valid()) return state_.calls.Fail(call.id, errno);
  }
  const SocketTable::Entry entry = state_.sockets.Add(std::move(socket));
  if (entry == nullptr) return state_.calls.Fail(call.id, ENOBUFS);
  if (entry->kind == GuardedSocket::Kind::kDatagram) datagrams_.Start(entry);
  const int err = state_.calls.Inject(call.id, entry->twin.get(), (flags & SOCK_CLOEXEC) != 0 ? O_CLOEXEC : 0);
  if (err == 0) return;
  state_.sockets.Remove(*entry);
  state_.calls.Fail(call.id, err);
}

void NetworkGuard::Impl::Connect(const SystemCall& call) {
  Tracee tracee(call.tid);
  std::string bytes;
  if (const int err = ReadSocketAddress(tracee, call.arguments[1], call.Int(2), bytes)) {
    return state_.FailLook(call, err);
  }
  SocketTable::Entry socket;
  if (!state_.FindSocket(call, tracee, socket)) return;
  // Made by nobody we know, for instance by accept(2): what it is connected to it stays connected to.
  if (socket == nullptr) return state_.calls.Fail(call.id, EACCES);
  switch (socket->kind) {
    case GuardedSocket::Kind::kStream:
    case GuardedSocket::Kind::kUnix:
      return streams_.Connect(call, socket, bytes);
    case GuardedSocket::Kind::kDatagram:
    case GuardedSocket::Kind::kOwnUdp:
      return datagrams_.Connect(call, socket, bytes);
    case GuardedSocket::Kind::kRoute:
      return state_.calls.Fail(call.id, EOPNOTSUPP);
    case GuardedSocket::Kind::kConnected:
    case GuardedSocket::Kind::kListening:
      return state_.calls.Fail(call.id, EISCONN);
  }
}

void NetworkGuard::Impl::Bind(const SystemCall& call) {
  Tracee tracee(call.tid);
  std::string bytes;
  SocketTable::Entry socket;
  if (const int err = ReadSocketAddress(tracee, call.arguments[1], call.Int(2), bytes)) {
    return state_.FailLook(call, err);
  }
  if (!state_.FindSocket(call, tracee, socket)) return;
  if (socket == nullptr) return state_.calls.Fail(call.id, EACCES);
  switch (socket->kind) {
    case GuardedSocket::Kind::kStream:
    case GuardedSocket::Kind::kUnix:
      return servers_.Bind(call, *socket, std::move(bytes));
    case GuardedSocket::Kind::kDatagram:
    case GuardedSocket::Kind::kOwnUdp:
      return datagrams_.Bind(call, socket, bytes);
    case GuardedSocket::Kind::kRoute:
      return state_.Answer(call, BindSocket(socket->twin.get(), bytes));
    case GuardedSocket::Kind::kConnected:
    case GuardedSocket::Kind::kListening:
      return state_.calls.Fail(call.id, EINVAL);
  }
}

/// Options of IP that a stand-in lacks succeed without doing anything; on other sockets the kernel sets them.
void NetworkGuard::Impl::SetOption(const SystemCall& call) {
  if (IsRefusedOption(call)) return programs_.RefuseSyscall(call);
  ino_t inode = 0;
  const bool found = Tracee(call.tid).SocketInode(call.Int(0), inode) == 0;
  const SocketTable::Entry socket = found ? state_.sockets.Find(inode) : nullptr;
  if (socket == nullptr || socket->kind != GuardedSocket::Kind::kDatagram) return state_.calls.Continue(call.id);
  state_.calls.Return(call.id, 0);
}

NetworkGuard::NetworkGuard(EventLoop& loop, Resolver& resolver, GuardOptions options)
    : impl_(std::make_unique<Impl>(loop, resolver, std::move(options))) {}
NetworkGuard::~NetworkGuard() = default;
void NetworkGuard::Serve(UniqueFd listener) { impl_->Serve(std::move(listener)); }
const std::map<std::string, std::uint64_t>& NetworkGuard::charged() const { return impl_->ledger().charged(); }
void NetworkGuard::AddTo(Report& report) const { impl_->AddTo(report); }

}  // namespace rune::sandbox
