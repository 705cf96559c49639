#pragma once
/// Walks files as another user (setfsuid(2)), so that a command learns nothing through us that it could not see itself.

#include <sys/fsuid.h>
#include <sys/types.h>

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

}  // namespace rune::sandbox
