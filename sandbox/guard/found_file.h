#pragma once
/// The file that a caller's system call is about, found as the caller would find it, and held. Internal to guard.h.

#include <sys/stat.h>

#include <string>

#include "sandbox/guard/file_user.h"
#include "sandbox/guard/guard_state.h"

namespace rune::sandbox {

/// Where a call names its file: by descriptor, or by path from a directory.
struct FileSubject {
  int path = -1;       ///< Argument that points to the path; -1: by descriptor.
  int directory = -1;  ///< Argument that holds the descriptor: of the directory, or of the file itself.
  bool follow = true;  ///< A symbolic link at the end of the path.
  bool empty = false;  ///< AT_EMPTY_PATH: an empty path is the descriptor.
};

struct FoundFile {
  UniqueFd place;  ///< O_PATH.
  struct stat info{};
  std::string path;  ///< Where it is; of one that was not found, what the call said.

  std::string link() const { return LinkTo(place.get()); }
};

/// 0 or an errno; ESRCH when nobody waits for an answer any more. The path is read once.
int FindFile(const GuardState& state, Tracee& tracee, const SystemCall& call, const FileSubject& subject,
             FoundFile& file);

}  // namespace rune::sandbox
