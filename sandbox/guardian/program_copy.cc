#include "sandbox/guardian/program_copy.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {
namespace {

constexpr unsigned kExecutable = 0x10;  // MFD_EXEC (Linux 6.3), which an older kernel does not know and does not need

UniqueFd MakeFile() {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int made = ::memfd_create("program", kFlags | kExecutable);
  return UniqueFd(made < 0 && errno == EINVAL ? ::memfd_create("program", kFlags) : made);
}

}  // namespace

int CopyProgram(const char* path, ProgramCopy& copy) {
  // Not blocking: it may be a pipe by now.
  const UniqueFd source(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info{};
  if (!source.valid() || ::fstat(source.get(), &info) != 0) return errno;
  if (!S_ISREG(info.st_mode) || (info.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) return EACCES;
  UniqueFd file = MakeFile();
  if (!file.valid()) return errno;
  for (off_t left = info.st_size; left > 0;) {
    const ssize_t n = ::sendfile(file.get(), source.get(), nullptr, static_cast<std::size_t>(left));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return ETXTBSY;  // somebody is writing it
    left -= n;
  }
  if (::fchmod(file.get(), 0555) != 0) return errno;
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return errno;
  std::snprintf(copy.path, sizeof copy.path, "/proc/self/fd/%d", file.Release());
  return 0;
}

}  // namespace rune::sandbox
