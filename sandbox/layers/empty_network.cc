#include "sandbox/layers/empty_network.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace rune::sandbox {
namespace {

/// Up, so that what looks at it finds what it is used to. It leads nowhere else.
void BringLoopbackUp() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{.ifr_ifrn = {"lo"}, .ifr_ifru = {}};
  request.ifr_flags = IFF_UP;
  ::ioctl(socket.get(), SIOCSIFFLAGS, &request);
}

/// In a child, because the way back into a network that was left takes rights which an ordinary user does not have.
[[noreturn]] void HoldEmptyNetwork(int ready, int release) {
  const char failed = ::unshare(CLONE_NEWNET) == 0 ? 0 : 1;
  if (failed == 0) BringLoopbackUp();
  char byte = 0;
  if (::write(ready, &failed, 1) == 1) [[maybe_unused]]
    const ssize_t ignored = ::read(release, &byte, 1);
  ::_exit(0);
}

}  // namespace

Result<UniqueFd> MakeEmptyNetwork() {
  RUNE_ASSIGN_OR_RETURN(Pipe ready, MakePipe());
  RUNE_ASSIGN_OR_RETURN(Pipe release, MakePipe());
  const pid_t child = ::fork();
  if (child < 0) return Error::FromErrno("fork");
  if (child == 0) {
    release.write.Reset();
    HoldEmptyNetwork(ready.write.get(), release.read.get());
  }
  ready.write.Reset();
  char failed = 1;
  UniqueFd network;
  if (RetryOnEintr([&] { return ::read(ready.read.get(), &failed, 1); }) == 1 && failed == 0) {
    network.Reset(::open(("/proc/" + std::to_string(child) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  }
  release.write.Reset();
  RetryOnEintr([&] { return ::waitpid(child, nullptr, 0); });
  if (!network.valid()) return Error{ErrorKind::kUnavailable, "no network namespace can be made here"};
  return network;
}

}  // namespace rune::sandbox
