#pragma once
/// What a parsed command line would run: knowledge about shell builtins, about programs that run other programs, and
/// about variables that change what a program does. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "agent/policy/shell.h"

namespace rune::agent {

struct CommandUse {
  std::vector<std::string> programs;     ///< As written ("ls", "./ls"), in order, without repetition.
  std::vector<std::string> writes;       ///< Files that redirections open for writing, as written.
  std::vector<std::string> runs_others;  ///< Those of `programs` that can start programs the text does not show.
  std::vector<std::string> words;        ///< Arguments that are known from the text.
  bool builtins_only = false;            ///< The first command is a builtin that only the shell has.
  bool changes_directory = false;        ///< Relative names in it mean something else than they seem to.
  std::string unknown;                   ///< Why it is beyond analysis; empty when everything was accounted for.
};

/// `depth` counts scripts inside scripts ("sh -c").
CommandUse AnalyzeScript(const ShellScript& script, int depth = 0);

/// True for variables that decide which program, library, configuration or startup file is taken.
bool IsDangerousVariable(std::string_view name);

/// How the command of a wrapper ("timeout 5 CMD ...") is found among its arguments.
struct WrapperSyntax {
  std::string_view name;
  std::string_view valued;       ///< Short options that take a value.
  std::string_view valued_long;  ///< Long options whose value is the next word, blank separated.
  int operands = 0;              ///< Words before the command (timeout: the duration).
  bool assignments = false;      ///< NAME=value words before the command set variables.
  std::string_view refused;      ///< Options, blank separated, that make it unknown ("-S": env splits a string).
};
/// nullptr when `program` is no wrapper.
const WrapperSyntax* FindWrapper(std::string_view program);
/// True for programs whose arguments or input files can start other programs (awk, find, git, make, python, ...).
bool CanRunOthers(std::string_view program);
bool IsShellProgram(std::string_view program);

}  // namespace rune::agent
