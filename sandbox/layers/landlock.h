#pragma once
/// Layer 4: files, by landlock(7). Every ABI from 1 up; rights that the kernel does not know are masked out.

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/confinement.h"

namespace rune::sandbox {

/// The ABI of the running kernel; 0 when Landlock cannot be used here.
int LandlockAbi();

/// One path and the rights below it (or on it, when it is a file).
struct LandlockRule {
  std::string path;
  std::uint64_t rights = 0;
  bool operator==(const LandlockRule&) const = default;
};

/// The file rights that exist at `abi`: what a ruleset handles, that is forbids unless a rule grants it.
std::uint64_t HandledFileRights(int abi);

/// The same access by real paths. Left out: what is not there and not denied, and a grant whose name leads, by way of a symbolic link,
/// out of a writable tree in which a confined command could have made that link.
FileAccess ResolveAccess(const FileAccess& files);

/// Rules only add rights, so a denied or list-only path inside a granted tree is made by granting its siblings, level
/// by level. In a tree that may be written the same goes for a denied path that is not there: nothing can be made in the
/// directories above it, so that it cannot come to be. Reads directories, opens nothing else. Rules are sorted by path, one per path.
std::vector<LandlockRule> PlanLandlock(const FileAccess& files, int abi);

struct LandlockRuleset {
  UniqueFd fd;  ///< For InstallLandlock, in any number of children.
  int abi = 0;
  std::string lacks;  ///< What this ABI cannot do for a command: "moving ... (ABI 2)"; empty: nothing. What it does not
                      ///< hold is for others to hold (SeccompPolicy::Unheld).
};
/// Handles all file rights, and all TCP rights without any rule when the network is closed; scopes signals and abstract
/// sockets where the ABI can (6). kUnavailable without Landlock.
Result<LandlockRuleset> BuildLandlock(const Confinement& confinement);

/// landlock_restrict_self(2). Returns 0 or errno. Safe between fork and exec; no_new_privs must be set.
int InstallLandlock(int ruleset_fd);

}  // namespace rune::sandbox
