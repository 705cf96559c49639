#include "sandbox/layers/landlock.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/layers/kernel_abi.h"

namespace rune::sandbox {
namespace {

/// Opens what PlanLandlock() resolved. A symbolic link that appeared meanwhile, on any level, is refused.
UniqueFd OpenResolved(const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_NO_SYMLINKS;
  const long fd = ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));
  // An outer filter of a container runtime may not know openat2(2) yet.
  if (errno != ENOSYS && errno != EPERM) return UniqueFd();
  return UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW));
}

/// Adds one rule. A path that vanished since it was planned needs none.
Result<void> AddRule(int ruleset, const LandlockRule& rule) {
  const UniqueFd fd = OpenResolved(rule.path);
  if (!fd.valid()) return Ok();
  kernel::PathBeneathAttr attr{.rights = rule.rights, .parent_fd = fd.get()};
  const auto add = [&] { return ::syscall(SYS_landlock_add_rule, ruleset, kernel::kRulePathBeneath, &attr, 0); };
  if (add() == 0) return Ok();
  if (errno == EINVAL) {  // a file took the place of a directory since it was planned
    attr.rights &= kernel::kFsFileRights;
    if (attr.rights != 0 && add() == 0) return Ok();
  }
  return Error::FromErrno("landlock_add_rule " + rule.path);
}

}  // namespace

int LandlockAbi() {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kernel::kCreateRulesetVersion);
  return abi < 0 ? 0 : static_cast<int>(abi);
}

Result<LandlockRuleset> BuildLandlock(const Confinement& confinement) {
  LandlockRuleset ruleset;
  ruleset.abi = LandlockAbi();
  if (ruleset.abi == 0) return Error{ErrorKind::kUnavailable, Error::FromErrno("landlock_create_ruleset").message};
  if (ruleset.abi < 2) ruleset.lacks = "moving a file to another directory always fails (ABI 2)";

  kernel::RulesetAttr attr{.handled_fs = HandledFileRights(ruleset.abi)};
  if (ruleset.abi >= 4 && confinement.network != Network::kOpen)
    attr.handled_net = kernel::kNetBindTcp | kernel::kNetConnectTcp;
  if (ruleset.abi >= 6) attr.scoped = kernel::kScopeAbstractUnix | kernel::kScopeSignal;
  const long fd = ::syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
  if (fd < 0) return Error{ErrorKind::kUnavailable, Error::FromErrno("landlock_create_ruleset").message};
  ruleset.fd.Reset(static_cast<int>(fd));
  for (const LandlockRule& rule : PlanLandlock(confinement.files, ruleset.abi)) {
    RUNE_RETURN_IF_ERROR(AddRule(ruleset.fd.get(), rule));
  }
  return ruleset;
}

int InstallLandlock(int ruleset_fd) { return ::syscall(SYS_landlock_restrict_self, ruleset_fd, 0) == 0 ? 0 : errno; }

}  // namespace rune::sandbox
