#pragma once
/// Directories whose configuration the user vouched for. `<home>/.rune/trusted` has one per line:
/// "<device>:<inode> <absolute path>". Both must match, so that another directory moved to the same path is not
/// trusted.

#include <string>

#include "sandbox/base/result.h"

namespace rune::agent {

/// False also when the list is missing, not a plain file, or writable by others than its owner.
bool IsTrusted(const std::string& dir, const std::string& home);
/// Adds `dir` to the list (mode 0600, replaced in one step). Adding it again is success.
Result<void> TrustDirectory(const std::string& dir, const std::string& home);

}  // namespace rune::agent
