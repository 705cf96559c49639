#pragma once
/// Where a file operation writes: the file itself, looked at before anything about it changes.

#include <string>

#include "sandbox/base/unique_fd.h"
#include "sandbox/guardian/file_operations.h"

namespace rune::sandbox {

enum class WriteFailure : std::uint8_t { kNone, kSystem, kProtected };

struct WritePlace {
  UniqueFd fd;  ///< Open for writing.
  WriteFailure failure = WriteFailure::kNone;
  int error = 0;     ///< errno of kSystem.
  std::string path;  ///< Where it failed: the file, or a directory above it.
};

/// Opens `path` for `flags` (O_WRONLY or O_RDWR, with O_CREAT to make it and the directories above it, with O_TRUNC to
/// empty it).
WritePlace OpenForWriting(const std::string& path, int flags, const WriteRules& rules);

}  // namespace rune::sandbox
