#pragma once
/// A look at a caller that waits in a system call: its memory, its descriptors, its directory, by way of /proc
/// (proc(5)). process_vm_readv(2) and pidfd_getfd(2) are refused by the usual container profiles; /proc is not.
///
/// What is read is a copy taken once: nothing is ever decided by something that is looked at again later.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sandbox/base/unique_fd.h"
#include "sandbox/guard/notifications.h"

namespace rune::sandbox {

class Tracee {
 public:
  explicit Tracee(pid_t tid) : tid_(tid) {}

  /// Exactly `size` bytes at `address`. 0 or an errno: EFAULT as the kernel would say, EACCES when the memory cannot be
  /// read at all (not dumpable, Yama, no /proc).
  int Read(std::uint64_t address, std::span<char> out);
  /// The same, up to the first NUL; ENAMETOOLONG when there is none in `max` bytes.
  int ReadString(std::uint64_t address, std::size_t max, std::string& out);
  /// EFAULT, EACCES. Goes to the memory that Pin() has opened.
  int Write(std::uint64_t address, std::span<const char> data);
  /// Opens the memory, so that a later Write() cannot reach another process of the same number; `calls` is asked after
  /// that. False when the caller is gone or cannot be read.
  bool Pin(const Notifications& calls, std::uint64_t id);

  /// Inode of the socket behind descriptor `fd`. 0 or an errno: EBADF, ENOTSOCK, EACCES.
  int SocketInode(int fd, ino_t& inode) const;
  /// /proc/PID/fdinfo/FD (proc(5)); empty when it cannot be read.
  std::string DescriptorInfo(int fd) const;
  /// umask(2); nullopt when it cannot be read.
  std::optional<mode_t> FileMask() const;
  /// FD_CLOEXEC of descriptor `fd` (fcntl(2)); false when it cannot be read.
  bool ClosesOnExec(int fd) const;
  /// What a descriptor, or "cwd", or "exe" leads to; empty when it cannot be read.
  std::string Link(const std::string& name) const;
  /// The working directory (O_PATH).
  UniqueFd WorkingDirectory() const;
  /// O_PATH on what descriptor `fd` of the caller is open on.
  UniqueFd Descriptor(int fd) const;
  /// RLIMIT_FSIZE (setrlimit(2)); 0 when it cannot be read.
  std::uint64_t FileSizeLimit() const;
  /// A signal that the caller handles is waiting for it.
  bool SignalWaits() const;

 private:
  int Open();
  /// The number behind `key` in a file of proc(5).
  std::optional<unsigned> Octal(const std::string& file, std::string_view key) const;
  std::string Path(const std::string& name) const { return "/proc/" + std::to_string(tid_) + "/" + name; }

  pid_t tid_;
  UniqueFd memory_;
};

/// The inode in "socket:[123]"; nullopt for anything else.
std::optional<ino_t> SocketInodeOf(std::string_view link);

}  // namespace rune::sandbox
