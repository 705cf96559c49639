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
  ++taken_;
  if (!untouched_.empty()) return std::exchange(untouched_, "");
  const FileUser as(user_);
  std::string home = parent_ + "/home-XXXXXX";
  return ::mkdtemp(home.data()) == nullptr ? kNone : home;
}

void CallHomes::Return(const std::string& home) {
  --taken_;
  if (home == kNone) return;
  // Nobody is left who could reach it before it is taken again.
  if (taken_ == 0 && IsUntouched(home, user_)) {
    untouched_ = home;
    return;
  }
  const FileUser as(user_);
  // What cannot be removed goes with the run's directory.
  const auto removed = RemoveTree(home);
}

}  // namespace rune::sandbox
