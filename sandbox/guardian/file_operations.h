#pragma once
/// File operations that a confined child performs itself, without exec: the kernel's layers are already on, so each of
/// them can simply try. Output goes to stdout, one line of error to stderr.

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "sandbox/protected_names.h"

namespace rune::sandbox {

/// Exit code of an operation that the kernel refused (EACCES, EPERM, EROFS); EX_NOPERM of sysexits(3).
inline constexpr int kExitDenied = 77;

/// Exit code of one that would have changed what runs later (sandbox/protected_names.h); EX_CONFIG of sysexits(3).
inline constexpr int kExitProtected = 78;

/// What `write` and `edit` leave alone, judged by the file that is opened, whatever led there.
struct WriteRules {
  std::vector<std::string> trees;  ///< Real paths.
  ProtectedNames names;
  std::vector<std::pair<dev_t, ino_t>> files;  ///< Protected under every other name, too (hard links).
};

/// Runs `argv` and returns the exit code: 0, 1 with a line on stderr, or kExitDenied with a line on stderr.
///   read PATH FIRST COUNT     lines FIRST.. (1-based), at most COUNT (0: as many as fit in 48 KiB). A last line in
///   brackets
///                             says what was left out and how to go on. A binary file is described, not dumped.
///   write PATH                content from stdin; parent directories are made; "Written N bytes to PATH".
///   edit PATH                 stdin: "<length of old>\n" old new. Replaces the one occurrence; 0 or several: error
///   with the count. list PATH                 names, sorted, hidden ones included, with "/" "@" "*" "|" "=" marks as
///   ls -F, and sizes of files. find ROOT GLOB LIMIT      paths below ROOT that match ("**" crosses directories),
///   sorted; .git is skipped. search ROOT ERE GLOB LIMIT  "path:line:text" of lines that match the POSIX extended
///   expression; binary files are skipped. inspect PID               name, state, parent, threads, memory and command
///   line from /proc/PID (proc(5)).
int RunFileOperation(const std::vector<std::string>& argv, const WriteRules& rules);

}  // namespace rune::sandbox
