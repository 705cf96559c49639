#include "sandbox/network/nonblocking_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

namespace rune::sandbox {
namespace {

/// Keeps an open file from blocking for the length of one call. A command sees no data on a socket that is not
/// connected, so that it cannot tell.
class Unblocked {
 public:
  explicit Unblocked(int fd) : fd_(fd), flags_(::fcntl(fd, F_GETFL)) {
    if ((flags_ & O_NONBLOCK) == 0) ::fcntl(fd_, F_SETFL, flags_ | O_NONBLOCK);
  }
  ~Unblocked() {
    if ((flags_ & O_NONBLOCK) == 0) ::fcntl(fd_, F_SETFL, flags_);
  }
  Unblocked(const Unblocked&) = delete;
  Unblocked& operator=(const Unblocked&) = delete;

 private:
  int fd_;
  int flags_;
};

/// Interrupts whatever the process waits in, again and again: a first signal may come just before it waits.
class Interrupter {
 public:
  Interrupter() {
    static const bool installed = [] {
      struct sigaction nothing{};
      nothing.sa_handler = [](int) {};  // without SA_RESTART
      return ::sigaction(SIGALRM, &nothing, nullptr) == 0;
    }();
    if (installed) ::setitimer(ITIMER_REAL, &kEveryMillisecond, nullptr);
  }
  ~Interrupter() { ::setitimer(ITIMER_REAL, &kStopped, nullptr); }
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

 private:
  static constexpr itimerval kEveryMillisecond{{0, 1000}, {0, 1000}};
  static constexpr itimerval kStopped{};
};

}  // namespace

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

int ConnectWithoutWaiting(int shared, const sockaddr* address, socklen_t length) {
  const Unblocked unblocked(shared);
  const Interrupter interrupter;
  return ::connect(shared, address, length) == 0 ? 0 : errno;
}

}  // namespace rune::sandbox
