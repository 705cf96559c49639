#pragma once
/// Owner of a file descriptor. A raw `int fd` in a signature means borrowed.

#include <unistd.h>

#include <utility>

#include "sandbox/base/result.h"

namespace rune {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(); }

  int get() const { return fd_; }
  /// Not `operator bool`: descriptor 0 is valid.
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1) {
    // close(2): the descriptor is gone even after EINTR, so never retry.
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

/// First thing in main(): a standard descriptor that the caller closed is filled, so that no file or socket of ours
/// takes its number and is handed on as somebody's standard stream. Using it still fails (EBADF), as the caller wanted.
void FillStandardFds();

/// pipe2(2) with O_CLOEXEC.
Result<Pipe> MakePipe();

}  // namespace rune
