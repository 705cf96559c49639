#pragma once
/// What a run's commands take of the disks that they may write to. The free space of each file system is looked at
/// often, which costs nothing (statfs(2)); it is everybody's, so that only when it fell by more than the limit a child
/// process counts: the blocks of what changed since the run began below the places that may be written, and of files
/// without a name that are still open or mapped. What cannot be looked at counts as too much.

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

class DiskUse {
 public:
  /// Bytes in total; 0: no limit, and nothing is ever looked at.
  explicit DiskUse(std::uint64_t limit);

  bool limited() const { return limit_ > 0; }
  /// From now on also these files and trees. What is no regular file or directory takes no space.
  void Watch(const std::vector<std::string>& places);
  /// One file system has lost more than the limit; whose doing it was is not known.
  bool Suspicious();
  /// A child process that counts and exits with kOver or another number. -1: none could be made.
  pid_t StartCount() const;
  static constexpr int kOver = 10;
  /// The answer: space that others took is not looked at again, nor is it ours that is over already, until more goes.
  void Counted();

 private:
  struct Place {
    UniqueFd fd;
    dev_t device = 0;
    ino_t inode = 0;
  };
  struct FileSystem {
    dev_t device = 0;
    int fd = -1;             ///< Borrowed from a place.
    std::uint64_t free = 0;  ///< At the start, or the most since.
  };

  const std::uint64_t limit_;
  const std::time_t since_;
  std::vector<Place> places_;
  std::vector<FileSystem> file_systems_;
};

}  // namespace rune::sandbox
