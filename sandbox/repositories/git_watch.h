#pragma once
/// Repositories that commands may write: found before the first command, looked at after each. Git runs what a
/// repository's settings and hooks say, so that who writes them decides what runs later, outside of the confinement.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/base/unique_fd.h"
#include "sandbox/repositories/git_directory.h"

namespace rune::sandbox {

struct FixedPlace {
  std::string path;
  bool read_only = false;
};

class GitWatch {
 public:
  /// Looks for repositories in `trees` (real paths; those known already are passed over), kMaxDepth directories deep
  /// and among the first kMaxDirectories of each, and remembers what they hold. What a command makes later is its own.
  void Add(const std::vector<std::string>& trees);

  /// What should be mounted over itself, so that no command moves it, or changes it at all, while it runs: of the first
  /// kMaxFixed repositories their directory of git's, its hooks, and what says where else git looks. Real paths, outer
  /// ones first; some are not there.
  std::vector<FixedPlace> Fixed(GitConfig rule) const;

  /// What was taken back since the last look, by its whole path. Costs some stat(2) for each repository.
  std::vector<std::string> Check(GitConfig rule);

  /// Everything is as it should be now: for a command that was allowed to change it.
  void Accept();

  /// What is watched, by device and inode: protected under every other name, too.
  std::vector<std::pair<dev_t, ino_t>> Files() const;

  static constexpr int kMaxDepth = 5;
  static constexpr std::size_t kMaxDirectories = 5000;
  static constexpr std::size_t kMaxFixed = 64;

 private:
  struct Tree {
    std::string path;
    UniqueFd fd;
  };
  struct Place {
    const Tree* tree = nullptr;
    std::string below;  ///< The work tree below it, or the bare repository; may be empty.
    bool bare = false;
    std::optional<std::string> file;  ///< What `.git` says where it is a file (gitrepository-layout(5)) ...
    std::string link;                 ///< ... or where it leads, where it is a link.
    UniqueFd work_tree;               ///< As found, wherever it is moved ...
    UniqueFd held;                    ///< ... and its directory of git's.
    GitDirectory git;
  };

  void Find(const Tree& tree);
  void Remember(const Tree& tree, const std::string& below, int directory);
  static void CheckPlace(Place& place, GitConfig rule, std::vector<std::string>& out);
  static void PutWorkTreeBack(Place& place, std::vector<std::string>& out);
  static void PutDotGitBack(Place& place, std::vector<std::string>& out);
  void CheckAbove(const Place& place, std::vector<std::string>& out) const;

  std::vector<std::unique_ptr<Tree>> trees_;
  std::vector<Place> places_;
};

}  // namespace rune::sandbox
