#pragma once
/// Who a confined command is: no capabilities, no new privileges, and an unused uid when we are root.

#include <sys/types.h>

#include <string>
#include <vector>

namespace rune::sandbox {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  bool change = false;    ///< False: keep the ids of this process (it is not root).
  std::string mechanism;  ///< "uid 62000, no capabilities"
  std::string why;        ///< When it is less than an unused uid: "uid 0 without capabilities: /work belongs to root"
};

/// An ordinary user stays itself. Root becomes an unused uid (not in /etc/passwd), or, when `writable` holds a
/// directory that such a uid could not write, that directory's owner (uid 0 without capabilities when it is root's).
/// Where Landlock cannot hold uid 0 (before ABI 3) it never stays that. World-writable directories do not count.
struct IdentityRequest {
  std::vector<std::string> writable;
  int landlock_abi = 0;
};
Identity PlanIdentity(const IdentityRequest& request);

/// Empties the capability bounding set of this process. Done once in the guardian, whose own capabilities it leaves
/// alone, it saves every child some 40 system calls in ApplyIdentity(). Returns 0 or errno.
int DropBoundingSet();

/// In the child, single-threaded: no_new_privs, groups and ids, bounding set empty, ambient cleared, securebits locked,
/// capset to nothing. Returns 0 or errno. Safe between fork and exec.
int ApplyIdentity(const Identity& identity);

}  // namespace rune::sandbox
