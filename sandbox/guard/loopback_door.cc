#include "sandbox/guard/loopback_door.h"

#include <poll.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace rune::sandbox {
namespace {

constexpr int kBacklog = 1024;
constexpr Milliseconds kPause{100};

Endpoint Decode(const sockaddr_storage& storage, socklen_t length) {
  Endpoint endpoint = DecodeSocketAddress({reinterpret_cast<const char*>(&storage), length}).inet;
  endpoint.address = Unwrap(endpoint.address);
  return endpoint;
}

}  // namespace

Endpoint LocalEndpoint(int socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return Decode(storage, length);
}

LoopbackDoor::~LoopbackDoor() { Clear(); }

void LoopbackDoor::Clear() {
  if (listener_.valid()) loop_.Unwatch(listener_.get());
  if (pause_ != 0) loop_.CancelTimer(std::exchange(pause_, 0));
  listener_.Reset();
  expected_.clear();
}

int LoopbackDoor::Open() {
  if (listener_.valid()) return 0;
  UniqueFd listener = make_(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (!listener.valid()) return errno;
  sockaddr_storage storage{};
  const socklen_t length = EncodeSocketAddress({*ParseIp("127.0.0.1"), 0, 0}, storage);
  if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0) return errno;
  if (::listen(listener.get(), kBacklog) != 0) return errno;
  address_ = LocalEndpoint(listener.get());
  listener_ = std::move(listener);
  Listen();
  return 0;
}

void LoopbackDoor::Listen() {
  loop_.Watch(listener_.get(), POLLIN, [this](short) { Accept(); });
}

Endpoint LoopbackDoor::AddressFor(int domain) const { return domain == AF_INET6 ? MapToV6(address_) : address_; }

void LoopbackDoor::Expect(int socket, Entered entered) { expected_[LocalEndpoint(socket).port] = std::move(entered); }

void LoopbackDoor::Accept() {
  while (listener_.valid()) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    UniqueFd client(
        ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&storage), &length, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.valid()) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) return;
      // The connection stays where it is, and poll(2) would tell of it again at once.
      loop_.Unwatch(listener_.get());
      pause_ = loop_.At(Clock::now() + kPause, [this] {
        pause_ = 0;
        Listen();
      });
      return;
    }
    const Endpoint peer = Decode(storage, length);
    auto found = expected_.extract(peer.address == address_.address ? peer.port : std::uint16_t{0});
    if (!found.empty()) found.mapped()(std::move(client));
  }
}

}  // namespace rune::sandbox
