#pragma once
/// A program as it was when it was opened: a sealed file in memory (memfd_create(2)) that nobody can change, so that
/// what is approved is what runs, whoever may write the file.

namespace rune::sandbox {

struct ProgramCopy {
  char path[32] = "";  ///< What execve(2) takes; the descriptor behind it closes by that.
};

/// Copies the program at `path`, which the caller must be able to read and to execute. Returns 0 or errno. For a
/// confined child: allocates nothing.
int CopyProgram(const char* path, ProgramCopy& copy);

}  // namespace rune::sandbox
