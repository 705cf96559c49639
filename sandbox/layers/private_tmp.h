#pragma once
/// A mount namespace (mount_namespaces(7)) in which /tmp is the run's private directory: entered once by the guardian,
/// inherited by every command, so that a launch costs nothing extra.

#include <string>
#include <vector>

#include "sandbox/base/result.h"

namespace rune::sandbox {

/// Unshares the mount namespace (as root with CAP_SYS_ADMIN directly, else through a user namespace that maps this uid
/// and gid to themselves), mounts `dir` over /tmp (nosuid, nodev, noexec) and keeps every existing path of `keep` and
/// `keep_read_only` that lies below /tmp visible at its place. A read-only one becomes a read-only mount, because a
/// grant of /tmp as a whole reaches into it. kUnavailable with the reason; then nothing has changed. Call before any
/// other thread or child exists.
Result<void> EnterPrivateTmp(const std::string& dir, const std::vector<std::string>& keep,
                             const std::vector<std::string>& keep_read_only = {});

}  // namespace rune::sandbox
