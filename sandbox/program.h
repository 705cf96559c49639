#pragma once
/// Which files the kernel must let a command execute so that one program can run.

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/command.h"

namespace rune::sandbox {

/// The files to grant EXECUTE on for `name` (a path, or a name looked up in kToolPath): the program itself with its
/// symbolic links resolved, the interpreters of a "#!" line (each looked up the same way, "env NAME" included), the ELF
/// interpreter (PT_INTERP, elf(5)) of each, and the helper directory of programs that cannot work without one
/// (git: its exec path and sh; gcc: its cc1 and collect2 directory, as, ld; make: sh).
/// kInvalidInput when there is no such program.
Result<std::vector<std::string>> ProgramFiles(std::string_view name);

/// The dynamic loaders of this machine: what starts a program that is linked to libraries.
std::vector<std::string> DynamicLoaders();

/// What starts the script at `path` (execve(2), "#!"): the interpreter and, as one word, what follows it. Empty when it
/// is no script, or cannot be read.
std::vector<std::string> ScriptInterpreter(const std::string& path);

/// The path that execvp(3) with this PATH would take for `name`; empty when there is none.
std::string FindProgram(std::string_view name, std::string_view path = kToolPath);

}  // namespace rune::sandbox
