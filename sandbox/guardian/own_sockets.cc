#include "sandbox/guardian/own_sockets.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/files.h"
#include "sandbox/protocol/descriptor_passing.h"

namespace rune::sandbox {
namespace {

/// It does nothing but answer.
constexpr Milliseconds kPatience{1'000};

struct Request {
  int domain = 0;
  int type = 0;
  int protocol = 0;
};

bool Hears(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return RetryOnEintr([&] { return ::poll(&ready, 1, static_cast<int>(kPatience.count())); }) == 1;
}

}  // namespace

OwnSockets::Ends OwnSockets::Connect() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return {};
  return {UniqueFd(pair[0]), UniqueFd(pair[1])};
}

void OwnSockets::Serve(int server) {
  const char word = 0;
  if (::send(server, &word, 1, MSG_NOSIGNAL) != 1) return;
  Request request;
  for (;;) {
    const ssize_t n = RetryOnEintr([&] { return ::recv(server, &request, sizeof request, 0); });
    if (n != static_cast<ssize_t>(sizeof request)) return;
    const UniqueFd made(::socket(request.domain, request.type | SOCK_CLOEXEC, request.protocol));
    const bool sent =
        made.valid() ? SendDescriptor(server, made.get()) == 0 : ::send(server, &word, 1, MSG_NOSIGNAL) == 1;
    if (!sent) return;
  }
}

OwnSockets::OwnSockets(UniqueFd client) {
  char word = 0;
  if (client.valid() && Hears(client.get()) && ::recv(client.get(), &word, 1, MSG_DONTWAIT) == 1)
    client_ = std::move(client);
}

UniqueFd OwnSockets::Make(int domain, int type, int protocol) const {
  const Request request{domain, type, protocol};
  // One that came too late is not what is asked for now.
  while (ReceiveDescriptor(client_.get(), Milliseconds(0)).valid()) continue;
  if (::send(client_.get(), &request, sizeof request, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof request)) {
    if (UniqueFd made = ReceiveDescriptor(client_.get(), kPatience); made.valid()) return made;
  }
  // What cannot be had there cannot be had here, for the same reason.
  const UniqueFd tried(::socket(domain, type | SOCK_CLOEXEC, protocol));
  if (tried.valid()) errno = ENOBUFS;
  return {};
}

}  // namespace rune::sandbox
