#pragma once
/// A parser of the shell command language (POSIX.1-2017, XCU 2.3 to 2.10), for finding out what a command line would
/// run. Command lines are run by /bin/sh, which is dash here and bash elsewhere: where the two read a text differently,
/// or where a value is only known at run time, the script is `unknown` with the reason. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace rune::agent {

struct ShellWord {
  std::string text;       ///< After quote removal. Complete only when the word is static.
  bool is_static = true;  ///< No expansion of any kind: the command gets exactly this one argument.
  bool quoted = false;    ///< Some of it was quoted.
};

/// A simple command (XCU 2.9.1), wherever it stands: in a list, a loop, a function, a substitution.
struct ShellCommand {
  std::vector<std::string> assigned;  ///< Variables set by assignments before it.
  std::vector<ShellWord> words;
  bool calls_function = false;  ///< words[0] is a function of the same text, certainly defined by then.
};

struct ShellScript {
  std::vector<ShellCommand> commands;  ///< In the order of the text.
  std::vector<ShellWord> writes;       ///< Files that redirections open for writing; reading is the kernel's to decide.
  std::vector<std::string> assigned;   ///< Variables set in any way: NAME=, for, ${NAME=}, $((NAME=)).
  std::vector<std::string> functions;  ///< Those defined unconditionally at the top level.
  bool needs_shell = false;            ///< More than one simple command of static words.
  std::string unknown;                 ///< Why it is beyond analysis; empty when everything was accounted for.
};

ShellScript ParseShell(std::string_view text);

}  // namespace rune::agent
