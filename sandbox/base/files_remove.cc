#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "sandbox/base/files.h"
#include "sandbox/base/log.h"

namespace rune {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr SteadyTime kNoDeadline = SteadyTime::max();
/// What the end of a program may wait for.
constexpr std::chrono::seconds kPatience{1};
constexpr const char* kMovedPrefix = ".removing-";

bool RemoveFileAt(int parent, const char* name) { return ::unlinkat(parent, name, 0) == 0 || errno == ENOENT; }

/// A handle on a directory of the same mount. What is mounted below a tree is not part of it, a bind mount of the same
/// file system least of all: emptying that would empty its source.
UniqueFd OpenSameMount(int parent, const char* name) {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  open_how how{};
  how.flags = kFlags;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
  UniqueFd handle(static_cast<int>(::syscall(SYS_openat2, parent, name, &how, sizeof how)));
  // Before Linux 5.6, or behind a filter that does not know it, only another file system can be told.
  if (handle.valid() || (errno != ENOSYS && errno != EPERM)) return handle;
  handle.Reset(::openat(parent, name, kFlags));
  struct stat above{};
  struct stat below{};
  const bool same = handle.valid() && ::fstatat(parent, "", &above, AT_EMPTY_PATH) == 0 &&
                    ::fstat(handle.get(), &below) == 0 && above.st_dev == below.st_dev;
  return same ? std::move(handle) : UniqueFd();
}

/// A directory, also when it was closed against its own owner. Never follows a link, not even one put there just now.
UniqueFd OpenOwnDirectory(int parent, const char* name) {
  const UniqueFd handle = OpenSameMount(parent, name);
  if (!handle.valid()) return {};
  struct stat info{};
  if (::fstat(handle.get(), &info) != 0) return {};
  if ((info.st_mode & S_IRWXU) != S_IRWXU) {
    const std::string itself = "/proc/self/fd/" + std::to_string(handle.get());
    if (::chmod(itself.c_str(), S_IRWXU) != 0) return {};
  }
  return UniqueFd(::openat(handle.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/// Empties a directory that a hostile program may have filled. No recursion and no memory that grows with the tree: two
/// streams and a handle whatever the depth, because a directory that lies deeper is moved up to the root before the one
/// that held it is removed. Each entry is so visited twice at most. Everything is relative to a directory that is held
/// open, so that a swapped symbolic link cannot lead out.
class Emptier {
 public:
  Emptier(int root, SteadyTime deadline) : root_(root), deadline_(deadline) {}

  /// Pass after pass, until one finds nothing (true), one achieves nothing or the time is over (false).
  bool Run() {
    while (true) {
      progress_ = false;
      bool found = false;
      const bool in_time = ForEach(root_, [&](const char* name) {
        found = true;
        RemoveEntry(name);
      });
      if (!in_time) return false;
      if (!found) return true;
      if (!progress_) return false;
    }
  }
  bool out_of_time() const { return out_of_time_; }

 private:
  template <typename Visit>
  bool ForEach(int directory, Visit visit) {
    // Its own descriptor: closedir(3) closes what it was given, and each pass starts at the beginning.
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(
        ::fdopendir(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), ::closedir);
    if (!stream) return true;
    while (const dirent* entry = ::readdir(stream.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (deadline_ != kNoDeadline && std::chrono::steady_clock::now() > deadline_) return !(out_of_time_ = true);
      visit(entry->d_name);
    }
    return true;
  }

  void RemoveEntry(const char* name) {
    if (RemoveFileAt(root_, name)) {
      progress_ = true;
      return;
    }
    {
      const UniqueFd child = OpenOwnDirectory(root_, name);
      if (!child.valid()) return;
      ForEach(child.get(), [&](const char* inner) {
        if (RemoveFileAt(child.get(), inner)) {
          progress_ = true;
          return;
        }
        OpenOwnDirectory(child.get(), inner);  // moving a directory needs the right to write in it
        const std::string moved = kMovedPrefix + std::to_string(++moved_);
        if (::renameat(child.get(), inner, root_, moved.c_str()) == 0) progress_ = true;
      });
    }
    if (::unlinkat(root_, name, AT_REMOVEDIR) == 0) progress_ = true;
  }

  const int root_;
  const SteadyTime deadline_;
  std::uint64_t moved_ = 0;
  bool progress_ = false;
  bool out_of_time_ = false;
};

enum class Removal : std::uint8_t { kDone, kLate };

Result<Removal> Remove(int parent, const std::string& path, SteadyTime deadline) {
  if (RemoveFileAt(parent, path.c_str())) return Removal::kDone;
  const UniqueFd root(::openat(parent, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root.valid()) return Error::FromErrno(path);
  Emptier emptier(root.get(), deadline);
  if (!emptier.Run()) {
    if (emptier.out_of_time()) return Removal::kLate;
    return Error{ErrorKind::kSystem, path + ": could not be emptied"};
  }
  if (::unlinkat(parent, path.c_str(), AT_REMOVEDIR) != 0) return Error::FromErrno(path);
  return Removal::kDone;
}

/// Nobody waits for this one, and nobody's pipe is held open by it.
[[noreturn]] void RemoveInTheBackground(const std::string& path) {
  ::setsid();
  if (::fork() != 0) ::_exit(0);
  if (::syscall(SYS_close_range, 0U, ~0U, 0U) != 0) {
    for (int fd = 0; fd < 4096; ++fd) ::close(fd);
  }
  ::_exit(RemoveTree(path).ok() ? 0 : 1);
}

}  // namespace

Result<void> RemoveTree(const std::string& path) { return RemoveTreeAt(AT_FDCWD, path); }

Result<void> RemoveTreeAt(int parent, const std::string& path) {
  RUNE_RETURN_IF_ERROR(Remove(parent, path, kNoDeadline));
  return Ok();
}

void RemoveTreeBy(SteadyTime deadline, const std::string& path) {
  const auto removed = Remove(AT_FDCWD, path, deadline);
  if (!removed.ok()) return Log(LogLevel::kWarn, "not removed: " + removed.error().message);
  if (*removed == Removal::kDone) return;
  const pid_t child = ::fork();
  if (child == 0) RemoveInTheBackground(path);
  if (child > 0) RetryOnEintr([&] { return ::waitpid(child, nullptr, 0); });
  Log(LogLevel::kWarn, path + (child > 0 ? ": its removal goes on in the background" : ": left behind"));
}

Result<TempDir> TempDir::Create(const std::string& parent, const std::string& prefix) {
  std::string path = parent + "/" + prefix + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return Error::FromErrno("mkdtemp " + path);
  return TempDir(std::move(path));
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TempDir::~TempDir() {
  // What a confined process left unremovable, or too much to remove at once, must not stop the program from ending.
  if (!path_.empty()) RemoveTreeBy(std::chrono::steady_clock::now() + kPatience, path_);
}

}  // namespace rune
