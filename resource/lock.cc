#include "resource/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "resource/say.h"
#include "sandbox/base/named_file.h"

namespace rune::resource {
namespace {

constexpr Milliseconds kRetry{50};

}  // namespace

bool CheckLock::Acquire(EventLoop& loop, const std::string& name, std::chrono::milliseconds patience) {
  // The user id keeps one user's check from holding up another's.
  const std::string path = "/tmp/.rune-check-" + std::to_string(::geteuid()) + "-" + name;
  auto fd = OpenNamed(path, O_RDWR | O_CREAT, 0600);
  if (!fd.ok()) {
    Say("warning: no lock: " + fd.error().message);
    return true;
  }
  fd_ = std::move(*fd);
  const TimePoint deadline = Clock::now() + patience;
  while (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (Clock::now() >= deadline || loop.interrupted_by()) return false;
    loop.RunUntil([] { return false; }, Clock::now() + kRetry);
  }
  return true;
}

}  // namespace rune::resource
