#include "sandbox/guard/notifications.h"

#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace rune::sandbox {
namespace {

// linux/seccomp.h of 6.6.
constexpr unsigned long kSetFlags = SECCOMP_IOW(4, __u64);
constexpr unsigned long kSyncWakeUp = 1;

std::size_t Words(std::size_t bytes) { return (bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t); }

}  // namespace

void Notifications::Open(UniqueFd listener) {
  listener_ = std::move(listener);
  ::ioctl(listener_.get(), kSetFlags, kSyncWakeUp);
  seccomp_notif_sizes sizes{};
  ::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
  request_.resize(Words(std::max<std::size_t>(sizes.seccomp_notif, sizeof(seccomp_notif))));
  response_.resize(Words(std::max<std::size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp))));
}

std::optional<SystemCall> Notifications::Receive() {
  std::fill(request_.begin(), request_.end(), 0);
  auto* notification = reinterpret_cast<seccomp_notif*>(request_.data());
  if (RetryOnEintr([&] { return ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, notification); }) != 0) {
    return std::nullopt;
  }
  SystemCall call;
  call.id = notification->id;
  call.tid = static_cast<pid_t>(notification->pid);
  call.number = notification->data.nr;
  std::copy(std::begin(notification->data.args), std::end(notification->data.args), call.arguments.begin());
  return call;
}

bool Notifications::AnotherWaits() const {
  pollfd ready{listener_.get(), POLLIN, 0};
  return ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0;
}

bool Notifications::StillWaits(std::uint64_t id) const {
  return ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

void Notifications::Send(std::uint64_t id, std::int64_t value, int error, std::uint32_t flags) {
  std::fill(response_.begin(), response_.end(), 0);
  auto* response = reinterpret_cast<seccomp_notif_resp*>(response_.data());
  response->id = id;
  response->val = value;
  response->error = -error;
  response->flags = flags;
  ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, response);
}

void Notifications::Return(std::uint64_t id, std::int64_t value) { Send(id, value, 0, 0); }
void Notifications::Fail(std::uint64_t id, int error) { Send(id, 0, error, 0); }
void Notifications::Continue(std::uint64_t id) { Send(id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE); }

int Notifications::Inject(std::uint64_t id, int fd, int flags) {
  seccomp_notif_addfd request{};
  request.id = id;
  request.flags = SECCOMP_ADDFD_FLAG_SEND;
  request.srcfd = static_cast<std::uint32_t>(fd);
  request.newfd_flags = static_cast<std::uint32_t>(flags);
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &request) >= 0) return 0;
  if (errno != EINVAL) return errno;
  // Before 5.14 in two steps: a caller that is interrupted in between keeps a descriptor it does not know of.
  request.flags = 0;
  const int remote = ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &request);
  if (remote < 0) return errno;
  Return(id, remote);
  return 0;
}

int Notifications::Replace(std::uint64_t id, int fd, int number, int flags) {
  seccomp_notif_addfd request{};
  request.id = id;
  request.flags = SECCOMP_ADDFD_FLAG_SETFD;
  request.srcfd = static_cast<std::uint32_t>(fd);
  request.newfd = static_cast<std::uint32_t>(number);
  request.newfd_flags = static_cast<std::uint32_t>(flags);
  return ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &request) >= 0 ? 0 : errno;
}

}  // namespace rune::sandbox
