#pragma once
/// Looking at, and putting back, what a command may be changing: through descriptors, following no link, regular files
/// alone.

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

/// Enough to see that something changed (the ctime cannot be set back); equal for what is not there.
struct Stamp {
  bool exists = false;
  mode_t mode = 0;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec changed{};

  bool operator==(const Stamp& other) const;
};
Stamp StampOf(int directory, const std::string& name);

/// The directory below `directory`, by names alone: no link on the way. Invalid when it is not there, or not one.
UniqueFd OpenBelow(int directory, std::string_view path);

/// A regular file of at most `max` bytes.
std::optional<std::string> ReadBelow(int directory, const std::string& name, std::size_t max);

/// What a link says; empty for everything else.
std::string LinkAt(int directory, const std::string& name);

/// Puts `text` there in one step, whatever is there now; owner and mode as given.
Result<void> PutBelow(int directory, const std::string& name, std::string_view text, const struct stat& like);

/// Whatever it is; a directory with all that is in it.
bool RemoveBelow(int directory, const std::string& name);

/// Gives the owner of a directory the right to change it.
bool OpenForWriting(int directory);

}  // namespace rune::sandbox
