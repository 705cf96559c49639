#include "sandbox/guard/guard_state.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace rune::sandbox {
namespace {

constexpr const char* kUnreadable = "(memory of the process cannot be read)";

}  // namespace

GuardState::GuardState(EventLoop& event_loop, GuardOptions guard_options)
    : loop(event_loop),
      options(std::move(guard_options)),
      sockets(options.tool_uid),
      held(loop, calls),
      dns({.rules = options.rules, .ledger = &ledger, .notes = &notes, .every_name = options.watch_only}) {}

bool GuardState::FindSocket(const SystemCall& call, const Tracee& tracee, SocketTable::Entry& socket) {
  ino_t inode = 0;
  if (const int err = tracee.SocketInode(call.Int(0), inode)) {
    FailLook(call, err);
    return false;
  }
  socket = sockets.Find(inode);
  return calls.StillWaits(call.id);
}

void GuardState::FailLook(const SystemCall& call, int error) {
  if (error == EACCES && !notes.Has(DeniedBy::kNetwork, DeniedAct::kSocket, kUnreadable)) {
    notes.Add({.by = DeniedBy::kNetwork, .what = DeniedAct::kSocket, .target = kUnreadable});
  }
  calls.Fail(call.id, error);
}

void GuardState::Refuse(const SystemCall& call, DeniedAct what, const std::string& target, Remedy remedy) {
  notes.Add({.by = DeniedBy::kNetwork, .what = what, .target = target, .remedy = std::move(remedy)});
  calls.Fail(call.id, EACCES);
}

UniqueFd GuardState::MakeInternetSocket(int domain, int type, int protocol) const {
  if (options.own_socket) return options.own_socket(domain, type, protocol);
  return UniqueFd(::socket(domain, type | SOCK_CLOEXEC, protocol));
}

void GuardState::Answer(const SystemCall& call, int error) {
  if (error == 0) return calls.Return(call.id, 0);
  calls.Fail(call.id, error);
}

int ReadSocketAddress(Tracee& tracee, std::uint64_t address, int length, std::string& bytes) {
  // As move_addr_to_kernel() does.
  if (length < 0 || length > static_cast<int>(sizeof(sockaddr_storage))) return EINVAL;
  bytes.resize(static_cast<std::size_t>(length));
  return length == 0 ? 0 : tracee.Read(address, bytes);
}

std::string EncodeFor(int domain, const Endpoint& endpoint) {
  sockaddr_storage storage{};
  const bool mapped = domain == AF_INET6 && endpoint.address.is_v4();
  const socklen_t length = EncodeSocketAddress(mapped ? MapToV6(endpoint) : endpoint, storage);
  return {reinterpret_cast<const char*>(&storage), length};
}

int BindSocket(int socket, const std::string& address) {
  sockaddr_storage storage{};
  const std::size_t length = std::min(address.size(), sizeof storage);
  std::memcpy(&storage, address.data(), length);
  return ::bind(socket, reinterpret_cast<sockaddr*>(&storage), static_cast<socklen_t>(length)) == 0 ? 0 : errno;
}

TimePoint DeadlineOf(int socket, int option) {
  timeval timeout{};
  socklen_t size = sizeof timeout;
  if (::getsockopt(socket, SOL_SOCKET, option, &timeout, &size) != 0) return kNever;
  if (timeout.tv_sec == 0 && timeout.tv_usec == 0) return kNever;
  // A day is for ever, and does not overflow.
  constexpr std::int64_t kLongest = 86'400;
  if (timeout.tv_sec >= kLongest) return kNever;
  return Clock::now() + std::chrono::seconds(timeout.tv_sec) + std::chrono::microseconds(timeout.tv_usec);
}

bool IsBlocking(int socket) {
  const int flags = ::fcntl(socket, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

}  // namespace rune::sandbox
