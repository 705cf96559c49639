#include "sandbox/network/nonblocking_socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace rune::sandbox {

ConnectStart StartConnect(const Endpoint& endpoint, int type) {
  sockaddr_storage address{};
  const socklen_t length = EncodeSocketAddress(endpoint, address);
  UniqueFd fd(::socket(address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return {errno, {}};
  const int result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length);
  // After EINTR the connect goes on by itself, as after EINPROGRESS (connect(2)).
  if (result < 0 && errno != EINPROGRESS && errno != EINTR) return {errno, {}};
  return {0, std::move(fd)};
}

short ReadyNow(int fd, short events) {
  pollfd ready{fd, events, 0};
  return ::poll(&ready, 1, 0) > 0 ? ready.revents : short{0};
}

int ConnectOutcome(int fd) {
  if (ReadyNow(fd, POLLOUT) == 0) return EINPROGRESS;
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

void CloseWithReset(UniqueFd fd) {
  if (!fd.valid()) return;
  const linger at_once{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace rune::sandbox
