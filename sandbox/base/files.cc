#include "sandbox/base/files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>

#include "sandbox/base/directory.h"
#include "sandbox/base/paths.h"

namespace rune {
namespace {

constexpr std::chrono::seconds kRemoveTime{3};

int RemoveFileAt(int parent, const char* name) { return ::unlinkat(parent, name, 0) == 0 || errno == ENOENT ? 0 : -1; }

/// A handle on a directory of the same mount. What is mounted below a tree is not part of it, a bind mount of the same
/// file system least of all: emptying that would empty its source.
UniqueFd OpenSameMount(int parent, const std::string& name) {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  open_how how{};
  how.flags = kFlags;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
  UniqueFd handle(static_cast<int>(::syscall(SYS_openat2, parent, name.c_str(), &how, sizeof how)));
  // Before Linux 5.6, or behind a filter that does not know it, only another file system can be told.
  if (handle.valid() || (errno != ENOSYS && errno != EPERM)) return handle;
  handle.Reset(::openat(parent, name.c_str(), kFlags));
  struct stat above{};
  struct stat below{};
  const bool same = handle.valid() && ::fstatat(parent, "", &above, AT_EMPTY_PATH) == 0 &&
                    ::fstat(handle.get(), &below) == 0 && above.st_dev == below.st_dev;
  return same ? std::move(handle) : UniqueFd();
}

/// A directory, also when it was closed against its own owner. Never follows a link, not even one put there just now.
UniqueFd OpenOwnDirectory(int parent, const std::string& name) {
  const UniqueFd handle = OpenSameMount(parent, name);
  if (!handle.valid()) return {};
  const std::string itself = "/proc/self/fd/" + std::to_string(handle.get());
  if (::chmod(itself.c_str(), 0700) != 0) return {};
  return UniqueFd(::openat(handle.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/// Empties `root`, which a hostile program may have filled: no recursion and two descriptors whatever the depth,
/// because what lies in a subdirectory is moved up before that is removed. Everything is relative to a directory that
/// is held open, so that a swapped symbolic link cannot lead out. Gives up when the time is over.
bool Empty(int root) {
  const auto deadline = std::chrono::steady_clock::now() + kRemoveTime;
  std::uint64_t moved = 0;
  for (std::vector<std::string> names = NamesIn(root); !names.empty(); names = NamesIn(root)) {
    bool progress = false;
    for (const std::string& name : names) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      if (RemoveFileAt(root, name.c_str()) == 0) {
        progress = true;
        continue;
      }
      const UniqueFd child = OpenOwnDirectory(root, name);
      if (!child.valid()) continue;
      for (const std::string& inner : NamesIn(child.get())) {
        if (RemoveFileAt(child.get(), inner.c_str()) == 0) continue;
        OpenOwnDirectory(child.get(), inner);  // moving a directory needs the right to write in it
        ::renameat(child.get(), inner.c_str(), root, (".removing-" + std::to_string(++moved)).c_str());
      }
      progress = ::unlinkat(root, name.c_str(), AT_REMOVEDIR) == 0 || progress;
    }
    if (!progress) return false;
  }
  return true;
}

}  // namespace

Result<UniqueFd> OpenFile(const std::string& path, int flags, unsigned mode) {
  UniqueFd fd(RetryOnEintr([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); }));
  if (!fd.valid()) return Error::FromErrno(path);
  return fd;
}

Result<std::string> ReadAll(int fd, std::size_t max_bytes) {
  std::string data;
  std::vector<char> buffer(64 << 10);
  while (true) {
    const ssize_t n = RetryOnEintr([&] { return ::read(fd, buffer.data(), buffer.size()); });
    if (n < 0) return Error::FromErrno("read");
    if (n == 0) return data;
    if (data.size() + static_cast<std::size_t>(n) > max_bytes) {
      return Error::Invalid("more than " + std::to_string(max_bytes) + " bytes");
    }
    data.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  RUNE_ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(path, O_RDONLY));
  auto data = ReadAll(fd.get(), max_bytes);
  if (!data.ok()) return std::move(data).error().Wrap(path);
  return data;
}

Result<void> WriteAll(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = RetryOnEintr([&] { return ::write(fd, data.data(), data.size()); });
    if (n < 0) return Error::FromErrno("write");
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  return Ok();
}

Result<void> WriteFileAtomic(const std::string& path, std::string_view data, WriteOptions options) {
  struct stat target{};
  if (::stat(path.c_str(), &target) == 0 && !S_ISREG(target.st_mode) && !S_ISDIR(target.st_mode)) {
    // A device or a pipe (/dev/stderr, /dev/null) is written to; a rename would replace it for the whole machine.
    RUNE_ASSIGN_OR_RETURN(const UniqueFd device, OpenFile(path, O_WRONLY | O_NOCTTY));
    auto written = WriteAll(device.get(), data);
    return written.ok() ? Ok() : Result<void>(std::move(written).error().Wrap(path));
  }
  std::string temporary = path + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return Error::FromErrno(path);
  const auto write = [&]() -> Result<void> {
    RUNE_RETURN_IF_ERROR(WriteAll(fd.get(), data));
    if (::fchmod(fd.get(), options.mode) != 0) return Error::FromErrno("fchmod");
    if (::fsync(fd.get()) != 0) return Error::FromErrno("fsync");
    if (::rename(temporary.c_str(), path.c_str()) != 0) return Error::FromErrno("rename");
    return Ok();
  };
  auto written = write();
  if (written.ok()) return Ok();
  ::unlink(temporary.c_str());
  return std::move(written).error().Wrap(path);
}

Result<void> MakeDirs(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0) return Ok();
  if (errno == ENOENT) {
    const std::string parent = ParentOf(path);
    if (parent == path) return Error::FromErrno(path);
    RUNE_RETURN_IF_ERROR(MakeDirs(parent, mode));
    if (::mkdir(path.c_str(), mode) == 0) return Ok();
  }
  struct stat info{};
  const int err = errno;
  if (err == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return Ok();
  return Error::FromErrno(path, err);
}

Result<void> RemoveTree(const std::string& path) { return RemoveTreeAt(AT_FDCWD, path); }

Result<void> RemoveTreeAt(int parent, const std::string& path) {
  if (RemoveFileAt(parent, path.c_str()) == 0) return Ok();
  const UniqueFd root(::openat(parent, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root.valid()) return Error::FromErrno(path);
  if (!Empty(root.get())) return Error{ErrorKind::kSystem, path + ": could not be emptied"};
  if (::unlinkat(parent, path.c_str(), AT_REMOVEDIR) != 0) return Error::FromErrno(path);
  return Ok();
}

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

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
  // Best effort: what a confined process left unremovable must not stop the program from ending.
  if (!path_.empty() && !RemoveTree(path_).ok()) return;
}

}  // namespace rune
