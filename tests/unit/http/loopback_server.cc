#include "tests/unit/http/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <tuple>
#include <utility>

namespace rune::test {
namespace {

std::pair<int, int> ListenOnLoopback() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || ::bind(fd, generic, size) != 0 || ::listen(fd, 16) != 0) std::abort();
  if (::getsockname(fd, generic, &size) != 0) std::abort();
  return {fd, ntohs(address.sin_port)};
}

/// Reads until the head is complete, then as much body as Content-Length says. Empty when the peer has gone.
bool ReadRequest(int fd, SeenRequest& request) {
  std::string bytes;
  char buffer[65536];
  std::size_t head_end = std::string::npos;
  std::size_t wanted = 0;
  while (head_end == std::string::npos || bytes.size() < wanted) {
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    bytes.append(buffer, static_cast<std::size_t>(got));
    if (head_end != std::string::npos) continue;
    head_end = bytes.find("\r\n\r\n");
    if (head_end == std::string::npos) continue;
    wanted = head_end + 4;
    const std::size_t length = bytes.find("Content-Length: ");
    if (length < head_end) wanted += std::strtoul(bytes.c_str() + length + 16, nullptr, 10);
  }
  request.head = bytes.substr(0, head_end);
  request.body = bytes.substr(head_end + 4);
  return true;
}

}  // namespace

void Peer::Send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Peer::Reply(int status, const std::string& headers, const std::string& body) const {
  Send("HTTP/1.1 " + std::to_string(status) + " Word\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
       "\r\n\r\n" + body);
}

void Peer::Close() {
  ::shutdown(fd_, SHUT_RDWR);
  closed_ = true;
}

void Peer::Reset() {
  const linger hard{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  closed_ = true;
}

LoopbackServer::LoopbackServer(Responder responder) : responder_(std::move(responder)) {
  std::tie(listener_, port_) = ListenOnLoopback();
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { Serve(); });
}

LoopbackServer::~LoopbackServer() {
  const std::uint64_t one = 1;
  if (::write(stop_, &one, sizeof one) != sizeof one) std::abort();
  thread_.join();
  ::close(listener_);
  ::close(stop_);
}

std::vector<SeenRequest> LoopbackServer::seen() {
  const std::lock_guard lock(mutex_);
  return seen_;
}

bool LoopbackServer::ClientCloses(int count) {
  std::unique_lock lock(mutex_);
  return closing_.wait_for(lock, std::chrono::seconds(2), [&] { return closed_by_client_ >= count; });
}

void LoopbackServer::Serve() {
  std::vector<Connection> connections;
  int accepted = 0;
  while (true) {
    std::vector<pollfd> fds{{stop_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Connection& connection : connections) fds.push_back({connection.fd, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[0].revents != 0) break;
    std::vector<Connection> open;
    for (std::size_t i = 0; i < connections.size(); ++i) {
      if (fds[i + 2].revents == 0 || ServeOne(connections[i])) {
        open.push_back(connections[i]);
      } else {
        ::close(connections[i].fd);
      }
    }
    if (fds[1].revents != 0) open.push_back({::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), ++accepted});
    connections = std::move(open);
  }
  for (const Connection& connection : connections) ::close(connection.fd);
}

bool LoopbackServer::ServeOne(Connection& connection) {
  SeenRequest request{.connection = connection.number};
  if (!ReadRequest(connection.fd, request)) {
    const std::lock_guard lock(mutex_);
    ++closed_by_client_;
    closing_.notify_all();
    return false;
  }
  {
    const std::lock_guard lock(mutex_);
    request.number = static_cast<int>(seen_.size()) + 1;
    seen_.push_back(request);
  }
  Peer peer(connection.fd);
  responder_(request, peer);
  return !peer.closed();
}

int UnusedPort() {
  const auto [fd, port] = ListenOnLoopback();
  ::close(fd);
  return port;
}

}  // namespace rune::test
