#pragma once
/// The private directory of a run, and what becomes of it when nobody of that run is left to remove it.

#include <chrono>
#include <string>

#include "sandbox/base/files.h"
#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

/// A directory of mode 0700, locked (flock(2)) while its run lives: by its maker, and by whoever else calls
/// HoldRunDirectory(). Removed with everything in it on destruction.
class RunDirectory {
 public:
  static Result<RunDirectory> Create(const std::string& parent);
  const std::string& path() const { return directory_.path(); }
  /// The directory itself, wherever a command may move it to. -1 when it could not be opened.
  int descriptor() const { return lock_.get(); }

 private:
  RunDirectory(TempDir directory, UniqueFd lock) : directory_(std::move(directory)), lock_(std::move(lock)) {}
  TempDir directory_;
  UniqueFd lock_;
};

/// Keeps the lock as long as the descriptor is open. Invalid when there is no such directory.
UniqueFd HoldRunDirectory(const std::string& path);

/// Removes what runs left in `parent` that were killed with everybody who could have tidied up: directories of this
/// user (root: of anybody) that nobody holds, and which are older than `age`, for they are made before they are
/// locked. Processes of such a run are killed first: those of the directory's owner that were started with it as
/// TMPDIR, and where that owner is an id used for nothing else (identity.h), all of them.
void RemoveAbandonedRuns(const std::string& parent, std::chrono::seconds age = std::chrono::minutes(1));

/// Where run directories are made: /tmp, or where that cannot be written the absolute path in `tmpdir` ($TMPDIR; may be
/// null).
std::string RunParent(const char* tmpdir);

}  // namespace rune::sandbox
