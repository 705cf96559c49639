#pragma once
/// Files as a command sees them: walked with its rights (setfsuid(2)), so that it learns nothing through us that it
/// could not see itself, and held, so that a path cannot be swapped under us. Internal to guard.h.

#include <sys/fsuid.h>
#include <sys/types.h>

#include <string>

#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

class FileUser {
 public:
  explicit FileUser(uid_t user) : before_(static_cast<uid_t>(::setfsuid(user))) {}
  ~FileUser() { ::setfsuid(before_); }
  FileUser(const FileUser&) = delete;
  FileUser& operator=(const FileUser&) = delete;

 private:
  uid_t before_;
};

/// Who asks, for calls that tell others who made them (SO_PEERCRED, unix(7)). The real and saved ids stay what they
/// are, so that nobody of that uid gets a hold of us.
class CommandIds {
 public:
  CommandIds(uid_t user, gid_t group);
  ~CommandIds();
  CommandIds(const CommandIds&) = delete;
  CommandIds& operator=(const CommandIds&) = delete;

 private:
  const uid_t user_;
  const gid_t group_;
  const gid_t files_group_;
  const bool changed_;
};

/// openat2(2) as `user`, through no magic link of proc(5). `flags`: O_PATH, O_NOFOLLOW. Invalid: see errno (ENOSYS
/// before Linux 5.6).
UniqueFd OpenPlaceAs(uid_t user, int directory, const std::string& path, int flags);
/// The name of a descriptor of ours that system calls take for a path.
std::string LinkTo(int fd);
/// Where the file behind a descriptor is now; empty when that cannot be told.
std::string PathOf(int fd);

}  // namespace rune::sandbox
