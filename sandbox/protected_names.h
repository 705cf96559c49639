#pragma once
/// Files through which something could run later, outside of the confinement. A file operation leaves them alone in
/// every tree that it may write, at any depth, whether they exist or not.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/confinement.h"

namespace rune::sandbox {

struct ProtectedNames {
  GitConfig git_config = GitConfig::kGuarded;  ///< kOpen: what belongs to git is not protected.
  bool ci_files = false;                       ///< Those that tell a CI service what to run are, too.
  std::string home;                            ///< Real path; of a granted home more is protected. Empty: none.
};

/// What protects a file: the remedy differs.
enum class Protection : std::uint8_t { kGit, kOther };

/// Of `path` (real; of a file that is not there yet the real directory and its name) in `tree`, the innermost of the
/// writable trees that holds it. A tree that somebody granted by such a name is not protected from itself.
std::optional<Protection> ProtectionOf(std::string_view path, std::string_view tree, const ProtectedNames& names);

/// What people and tools write by hand into a directory of git's, and git never runs: a path below that directory.
bool IsGitText(std::string_view below);

/// The innermost of `trees` that holds `path`; nothing when none does.
std::optional<std::string> TreeOf(std::string_view path, const std::vector<std::string>& trees);

}  // namespace rune::sandbox
