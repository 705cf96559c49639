#include "sandbox/guardian/call_home.h"

#include <stdlib.h>
#include <unistd.h>

#include "sandbox/base/files.h"
#include "sandbox/guard/file_user.h"

namespace rune::sandbox {
namespace {

constexpr const char* kNone = "/nonexistent";

}  // namespace

CallHome::CallHome(const std::string& parent, uid_t user) : path_(parent + "/home-XXXXXX"), user_(user) {
  const FileUser as(user_);
  if (::mkdtemp(path_.data()) == nullptr) path_ = kNone;
}

CallHome::~CallHome() {
  if (path_ == kNone) return;
  const FileUser as(user_);
  if (::rmdir(path_.c_str()) == 0) return;
  // What is in the way is its own user's; the end of the run removes all of it.
  const auto removed = RemoveTree(path_);
}

}  // namespace rune::sandbox
