#include "loop_peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "sandbox/network/nonblocking_socket.h"

namespace rune::sandbox::test {

std::size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::pair<UniqueFd, UniqueFd> TcpPair() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(listener.get(), raw, length) != 0 || ::listen(listener.get(), 1) != 0) return {};
  ::getsockname(listener.get(), raw, &length);
  ConnectStart start = StartConnect({{4, {127, 0, 0, 1}}, ntohs(address.sin_port), 0}, SOCK_STREAM);
  UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  return {std::move(start.fd), std::move(accepted)};
}

LoopPeer::LoopPeer(EventLoop& loop, UniqueFd fd) : loop_(loop), fd_(std::move(fd)) { Watch(); }
LoopPeer::~LoopPeer() { Close(); }

void LoopPeer::Watch() {
  if (!fd_.valid()) return;
  const int events = (reading_ && !ended_ ? POLLIN : 0) | (out_.empty() ? 0 : POLLOUT);
  if (events == 0) return loop_.Unwatch(fd_.get());
  loop_.Watch(fd_.get(), static_cast<short>(events), [this](short) { OnEvent(); });
}

void LoopPeer::Send(std::string_view bytes) {
  out_ += bytes;
  if (fd_.valid() && Write()) Watch();
}

bool LoopPeer::Write() {
  std::size_t sent = 0;
  while (sent < out_.size()) {
    const ssize_t n = ::send(fd_.get(), out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) {
      broken_ = true;
      Close();
      return false;
    }
    sent += static_cast<std::size_t>(n);
  }
  out_.erase(0, sent);
  if (out_.empty() && ending_) ::shutdown(fd_.get(), SHUT_WR);
  return true;
}

void LoopPeer::End() {
  ending_ = true;
  Send({});
}

void LoopPeer::Reset() {
  loop_.Unwatch(fd_.get());
  CloseWithReset(std::move(fd_));
}

void LoopPeer::Close() {
  if (fd_.valid()) loop_.Unwatch(fd_.get());
  fd_.Reset();
}

void LoopPeer::StopReading() {
  reading_ = false;
  Watch();
}

void LoopPeer::GoOnReading() {
  reading_ = true;
  Watch();
}

void LoopPeer::OnEvent() {
  if (!out_.empty() && !Write()) return;
  if (reading_ && !ended_) {
    std::array<char, 1 << 16> buffer;
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN) {
      broken_ = true;
      return Close();
    }
    if (n == 0) ended_ = true;
    if (n > 0) {
      received_.append(buffer.data(), static_cast<std::size_t>(n));
      if (on_data) on_data(*this);
    }
  }
  Watch();
}

LoopServer::LoopServer(EventLoop& loop, const std::string& address, std::uint16_t port, int backlog) : loop_(loop) {
  sockaddr_storage storage{};
  socklen_t length = EncodeSocketAddress({ParseIp(address).value_or(IpAddress{}), port, 0}, storage);
  auto* raw = reinterpret_cast<sockaddr*>(&storage);
  fd_.Reset(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_.valid() || ::bind(fd_.get(), raw, length) != 0 || ::listen(fd_.get(), backlog) != 0) return;
  ::getsockname(fd_.get(), raw, &length);
  port_ = DecodeSocketAddress({reinterpret_cast<const char*>(&storage), length}).inet.port;
  loop_.Watch(fd_.get(), POLLIN, [this](short) {
    UniqueFd accepted(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!accepted.valid()) return;
    peers_.push_back(std::make_unique<LoopPeer>(loop_, std::move(accepted)));
    if (on_accept) on_accept(*peers_.back());
  });
}

LoopServer::~LoopServer() { StopAccepting(); }

void LoopServer::StopAccepting() {
  if (fd_.valid()) loop_.Unwatch(fd_.get());
}

}  // namespace rune::sandbox::test
