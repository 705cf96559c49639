#pragma once
/// The trees that a command may write, held open from before it started. Their names mean nothing from then on: a
/// command can move a directory away and put a link, or another directory, into its place.
///
/// Where a file is, is asked by going up from it, directory by directory, until one of them is met: by what they are
/// (device and inode), for paths are true of a moment only, and a command can move things around while we look. A hard
/// link counts where it was opened; Landlock lets none be made into a writable tree.

#include <vector>

#include "sandbox/base/unique_fd.h"
#include "sandbox/confinement.h"

namespace rune::sandbox {

class HeldTrees {
 public:
  HeldTrees() = default;
  /// `files` by ResolveAccess(). What cannot be opened, or is a device, holds nothing.
  explicit HeldTrees(const FileAccess& files);

  /// Whether the file behind `fd` (O_PATH will do) lies, now, in a tree that may be written and in none that is denied.
  /// False when that cannot be told.
  bool Contains(int fd) const;

 private:
  std::vector<UniqueFd> writable_;
  std::vector<UniqueFd> denied_;  ///< Of the denied paths those inside of a writable tree.
};

}  // namespace rune::sandbox
