#pragma once
/// Files and directories for trusted code. (What a model asks for goes through the sandbox, never through here.)

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune {

/// open(2) with O_CLOEXEC, without waiting for the other end of a pipe; the error names the path.
Result<UniqueFd> OpenFile(const std::string& path, int flags, unsigned mode = 0);
/// Reads to end of file; kInvalidInput when there are more than `max_bytes`.
Result<std::string> ReadAll(int fd, std::size_t max_bytes);
Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes = 64u << 20);
/// Writes everything, over short writes and EINTR.
Result<void> WriteAll(int fd, std::string_view data);

struct WriteOptions {
  unsigned mode = 0644;
};
/// Writes `path` so that a reader sees the old content or all of the new one: temporary file in the same
/// directory, fsync(2), rename(2). Nothing is left behind on failure. What is there and no regular file (a device, a
/// pipe) is written to as it is.
Result<void> WriteFileAtomic(const std::string& path, std::string_view data, WriteOptions options = {});

Result<void> MakeDirs(const std::string& path, unsigned mode = 0755);  ///< mkdir -p
/// Removes a tree without following symbolic links and without entering what is mounted in it, of any depth and size,
/// however long that takes. Missing is success.
Result<void> RemoveTree(const std::string& path);
/// The same, relative to the directory `parent` (openat(2)).
Result<void> RemoveTreeAt(int parent, const std::string& path);
/// The same for a caller that somebody waits for: what is not gone at `deadline` is removed by a process that is left
/// behind for it, and the log says so.
void RemoveTreeBy(std::chrono::steady_clock::time_point deadline, const std::string& path);

bool Exists(const std::string& path);
/// A directory of mode 0700 under `parent`, removed with everything in it on destruction: RemoveTreeBy() in a second.
class TempDir {
 public:
  static Result<TempDir> Create(const std::string& parent, const std::string& prefix);
  TempDir(TempDir&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TempDir& operator=(TempDir&& other) noexcept;
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  const std::string& path() const { return path_; }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace rune
