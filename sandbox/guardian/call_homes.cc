#include "sandbox/guardian/call_homes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "sandbox/base/directory.h"
#include "sandbox/base/files.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/guard/file_user.h"

namespace rune::sandbox {
namespace {

constexpr const char* kNone = "/nonexistent";
constexpr mode_t kMode = 0700;

/// Still a directory of ours, and as it was made.
bool IsUntouched(const std::string& path, uid_t user) {
  const UniqueFd home(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info{};
  if (!home.valid() || ::fstat(home.get(), &info) != 0) return false;
  return info.st_uid == user && (info.st_mode & 07777) == kMode && NamesIn(home.get()).empty();
}

}  // namespace

CallHomes::CallHomes(std::string parent, uid_t user) : parent_(std::move(parent)), user_(user) {}

std::string CallHomes::Take() {
  const FileUser as(user_);
  while (!untouched_.empty()) {
    std::string home = std::move(untouched_.back());
    untouched_.pop_back();
    if (IsUntouched(home, user_)) return home;  // a command that ran meanwhile can reach it
    const auto removed = RemoveTree(home);
  }
  std::string home = parent_ + "/home-XXXXXX";
  return ::mkdtemp(home.data()) == nullptr ? kNone : home;
}

void CallHomes::Return(const std::string& home) {
  if (home == kNone) return;
  const FileUser as(user_);
  if (IsUntouched(home, user_)) return untouched_.push_back(home);
  // What cannot be removed goes with the run's directory.
  const auto removed = RemoveTree(home);
}

}  // namespace rune::sandbox
