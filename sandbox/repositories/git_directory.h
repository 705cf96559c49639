#pragma once
/// One directory of git's (gitrepository-layout(5)): what in it makes git run programs, as it was, and what has become
/// of it.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/confinement.h"
#include "sandbox/repositories/git_config.h"
#include "sandbox/repositories/places.h"

namespace rune::sandbox {

/// A file of settings: the directory's own, or one that they include.
struct ConfigBase {
  Stamp stamp;
  struct stat like{};                    ///< Owner and mode, for putting it back.
  std::optional<std::string> text;       ///< Unset: it was not there.
  std::vector<GitConfigEntry> programs;  ///< What in it runs programs.
};

class GitDirectory {
 public:
  /// One that is made while we look has nothing yet that may run.
  GitDirectory() = default;
  /// Remembers what is in `directory` (borrowed for the call).
  explicit GitDirectory(int directory);

  /// Compares `directory` with what was there, takes back what may not have changed, remembers the rest. Says what was
  /// taken back: the path below the directory, the setting where it was one, and whether it could be.
  std::vector<std::string> Check(int directory, GitConfig rule);

  /// Everything that is watched, by device and inode.
  void AddFiles(std::vector<std::pair<dev_t, ino_t>>& out) const;

 private:
  struct Hook {
    Stamp stamp;
    struct stat like{};
    std::optional<std::string> text;  ///< Of a regular file ...
    std::string target;               ///< ... of a link.
  };

  void CheckConfig(int directory, const std::string& name, GitConfig rule, std::vector<std::string>& out);
  void CheckFixed(int directory, const std::string& path, std::vector<std::string>& out);
  void CheckHooks(int directory, std::vector<std::string>& out);
  void CheckHook(int hooks, const std::string& name, std::vector<std::string>& out);
  void CheckInner(int directory, GitConfig rule, std::vector<std::string>& out);

  std::map<std::string, ConfigBase> configs_;  ///< By name: config, config.worktree.
  std::map<std::string, ConfigBase> fixed_;    ///< By path: info/attributes, commondir, gitdir.
  Stamp hooks_stamp_;
  std::map<std::string, Hook> hooks_;
  std::map<std::string, GitDirectory> inner_;  ///< By path: modules/NAME, worktrees/NAME.
};

}  // namespace rune::sandbox
