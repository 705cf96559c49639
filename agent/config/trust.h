#pragma once
/// Directories whose configuration the user vouched for. `<home>/.rune/trusted` has one per line:
/// "<device>:<inode>:<rune.toml>:<.rune/rune.toml> <absolute path>", the files as base64url text. All must match:
/// another directory moved to the same path is not trusted, nor is a file that a tool, or a pull, has changed since.

#include <string>

#include "sandbox/base/result.h"

namespace rune::agent {

/// False also when the list is missing, not a plain file, or writable by others than its owner.
bool IsTrusted(const std::string& dir, const std::string& home);
/// Adds `dir` to the list (mode 0600, replaced in one step). Adding it again takes in what the files say now.
Result<void> TrustDirectory(const std::string& dir, const std::string& home);

}  // namespace rune::agent
