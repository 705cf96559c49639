#pragma once
/// One directory of git's (gitrepository-layout(5)): what in it makes git run programs, as it was, and what has become
/// of it.

#include <cstdint>
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
  std::string link;                      ///< Where it led, when it was a link ...
  Stamp target;                          ///< ... and what was there.
  std::optional<std::string> text;       ///< Unset: it was not there.
  std::vector<GitConfigEntry> programs;  ///< What in it runs programs.
};

class GitDirectory {
 public:
  /// Of a submodule core.worktree is where it lies, which git writes itself.
  enum class Kind : std::uint8_t { kRepository, kModule };

  /// One that is made while we look has nothing yet that may run.
  explicit GitDirectory(Kind kind = Kind::kRepository) : kind_(kind) {}
  /// Remembers what is in `directory` (borrowed for the call).
  GitDirectory(int directory, Kind kind);

  /// Compares `directory` with what was there, takes back what may not have changed, remembers the rest. Says what was
  /// taken back: the path below the directory, the setting where it was one, and whether it could be.
  std::vector<std::string> Check(int directory, GitConfig rule);

  /// Repositories of submodules that it holds: "modules/NAME", "modules/NAME/modules/INNER".
  std::vector<std::string> Modules() const;

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

  void CheckLinks(int directory, std::vector<std::string>& out);
  std::vector<GitConfigEntry> Programs(const std::string& text) const;
  ConfigBase BaseOf(int directory, const std::string& name) const;

  Kind kind_;
  std::map<std::string, ConfigBase> configs_;  ///< By name: config, config.worktree.
  std::map<std::string, ConfigBase> fixed_;    ///< By path: info/attributes, commondir, gitdir.
  std::map<std::string, std::string> links_;   ///< Directories that were links, and where they led.
  Stamp hooks_stamp_;
  std::map<std::string, Hook> hooks_;
  std::map<std::string, GitDirectory> inner_;  ///< By path: modules/NAME, worktrees/NAME.
};

}  // namespace rune::sandbox
