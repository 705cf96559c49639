#pragma once
/// The listening end of a seccomp filter (seccomp_unotify(2)): system calls that wait for an answer. Owns the
/// descriptor. Every answer may come too late; that is no error, the caller is gone then.

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

/// A system call that waits. `tid` is a thread, as our own /proc names it.
struct SystemCall {
  std::uint64_t id = 0;
  pid_t tid = 0;
  int number = 0;
  std::array<std::uint64_t, 6> arguments{};

  /// Of an int argument the kernel looks at the low half only.
  int Int(std::size_t index) const { return static_cast<int>(static_cast<std::uint32_t>(arguments[index])); }
};

class Notifications {
 public:
  /// Asks for a synchronous wake-up where the kernel has it (6.6), which halves the time of a call.
  void Open(UniqueFd listener);
  void Close() { listener_.Reset(); }
  int fd() const { return listener_.get(); }
  bool open() const { return listener_.valid(); }

  /// Only after poll(2) said POLLIN: the kernel counts one wake-up per call, so that this never blocks then. Nothing
  /// when the caller was killed in between.
  std::optional<SystemCall> Receive();
  bool AnotherWaits() const;
  /// False once the caller was killed (before Linux 5.19 also: interrupted). To be asked after the last look at the
  /// caller and right before anything is done for it: until then its thread id may have passed to another.
  bool StillWaits(std::uint64_t id) const;

  void Return(std::uint64_t id, std::int64_t value);
  void Fail(std::uint64_t id, int error);
  /// Lets the kernel carry the call out. Never a decision: the caller's memory may have changed since.
  void Continue(std::uint64_t id);
  /// Gives the caller a copy of `fd` as the result of its call. `flags`: O_CLOEXEC or 0. Returns 0 or an errno
  /// (EMFILE), after which the call still waits; ENOENT: the caller is gone.
  int Inject(std::uint64_t id, int fd, int flags);
  /// Puts a copy of `fd` in the place of the caller's descriptor `number`. The call still waits. 0 or an errno.
  int Replace(std::uint64_t id, int fd, int number, int flags);

 private:
  void Send(std::uint64_t id, std::int64_t value, int error, std::uint32_t flags);

  UniqueFd listener_;
  std::vector<std::uint64_t> request_;  ///< Of the size that the kernel wants, which may be more than we know.
  std::vector<std::uint64_t> response_;
};

}  // namespace rune::sandbox
