#pragma once
/// Acts that change a process for good, done in a child of the test.

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace rune::sandbox {

/// A child's errno as its exit status: 0 when `result` says success.
inline int ErrnoOf(long result) { return result < 0 ? errno : 0; }

/// Runs `body` in a forked child and returns what it returned, or 1000 plus the signal that ended it.
inline int InChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

inline int NoNewPrivs() { return ErrnoOf(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

}  // namespace rune::sandbox
