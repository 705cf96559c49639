// From a parsed script to the programs and files that it uses.

#include <algorithm>
#include <array>
#include <span>

#include "agent/policy/programs.h"
#include "agent/policy/shell_parser.h"
#include "sandbox/base/list.h"
#include "sandbox/base/paths.h"

namespace rune::agent {
namespace {

using std::string_view;
using Words = std::span<const ShellWord>;

constexpr int kMaxScripts = 8;

/// Builtins that neither run nor write anything (XCU 2.14 and "test").
constexpr std::array<string_view, 24> kHarmless{
    ":",    "true",  "false", "cd",  "pwd",   "test",   "[",        "exit",  "return", "break",   "continue", "shift",
    "wait", "times", "umask", "set", "unset", "export", "readonly", "local", "read",   "getopts", "type",     "ulimit"};
/// Builtins of some shell whose effect only the running shell knows.
constexpr std::array<string_view, 20> kOpaque{
    "eval", ".",       "source",    "alias", "unalias", "builtin", "enable",   "shopt", "declare", "typeset",
    "let",  "mapfile", "readarray", "fc",    "history", "bind",    "complete", "pushd", "popd",    "hash"};
/// Builtins whose words name variables that they set.
constexpr std::array<string_view, 6> kSetters{"export", "readonly", "local", "read", "getopts", "unset"};

/// True when `word` is one of the blank separated `list`, also as "--long=value".
bool InOptionList(string_view list, string_view word) {
  word = word.substr(0, word.find('='));
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(' ', at), list.size());
    if (list.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

/// A cluster of short options ends at the first one with a value; the value is the rest, or the next word.
bool ValueFollows(const WrapperSyntax& wrapper, string_view option) {
  if (option[1] == '-') return option.find('=') == string_view::npos && InOptionList(wrapper.valued_long, option);
  return option.find_first_of(wrapper.valued, 1) == option.size() - 1;
}

bool HasRefused(const WrapperSyntax& wrapper, string_view option) {
  if (InOptionList(wrapper.refused, option)) return true;
  if (option[1] == '-') {
    // getopt_long(3) takes any unambiguous beginning of a long option.
    return option.size() > 2 && wrapper.refused.find(option.substr(0, option.find('='))) != string_view::npos;
  }
  for (std::size_t i = 1; i < option.size() && wrapper.valued.find(option[i]) == string_view::npos; ++i) {
    if (InOptionList(wrapper.refused, std::string{'-', option[i]})) return true;
  }
  return false;
}

/// Collects the uses of one command line, through any number of wrappers and scripts.
class Analyzer {
 public:
  explicit Analyzer(int depth) : depth_(depth) {}
  CommandUse Run(const ShellScript& script);

 private:
  /// kOpen: more arguments are added at run time (xargs), so nothing that follows can be relied on.
  enum class Tail { kClosed, kOpen };

  void Unknown(std::string reason) {
    if (use_.unknown.empty()) use_.unknown = std::move(reason);
  }
  void UnknownCommandOf(string_view name) {
    Unknown("'" + std::string(name) + "' of a command that is only known at run time");
  }
  void AddProgram(const std::string& name);
  void AddCommand(Words words, Tail tail);
  void AddBuiltin(Words words);
  bool AddWrapped(const WrapperSyntax& wrapper, Words words, Tail tail);  // false: no command among the words
  void AddFind(Words words);
  void AddXargs(Words words, Tail tail);
  void AddShell(Words words, Tail tail);
  void AddScript(string_view text);
  void AddJoined(Words words, Tail tail);
  void CheckVariable(const std::string& name) {
    if (IsDangerousVariable(name)) Unknown("setting " + name + " changes what programs do");
  }

  CommandUse use_;
  int depth_;
  int wrappers_ = 0;
};

void Analyzer::AddProgram(const std::string& name) {
  if (!Contains(use_.programs, name)) use_.programs.push_back(name);
  if (CanRunOthers(FileName(name)) && !Contains(use_.runs_others, name)) use_.runs_others.push_back(name);
}

CommandUse Analyzer::Run(const ShellScript& script) {
  if (!script.unknown.empty()) Unknown(script.unknown);
  for (const std::string& name : script.assigned) CheckVariable(name);
  for (const ShellCommand& command : script.commands) {
    if (command.words.empty() || command.calls_function) continue;
    if (command.words[0].text == "unset" && !script.functions.empty()) Unknown("'unset' beside functions");
    AddCommand(command.words, Tail::kClosed);
    for (const ShellWord& word : Words(command.words).subspan(1)) {
      // What a leading tilde means is known all the same.
      if (word.is_static || (word.text.starts_with('~') && !word.quoted)) use_.words.push_back(word.text);
    }
  }
  for (const ShellWord& target : script.writes) {
    if (!target.is_static) {
      Unknown("a redirection to a file that is only known at run time");
    } else if (!Contains(use_.writes, target.text)) {
      use_.writes.push_back(target.text);
    }
  }
  const bool relative =
      std::any_of(use_.writes.begin(), use_.writes.end(), [](const std::string& w) { return !w.starts_with('/'); });
  if (use_.changes_directory && relative) Unknown("a redirection to a relative path in a changed directory");
  return std::move(use_);
}

void Analyzer::AddCommand(Words words, Tail tail) {
  const ShellWord& name = words[0];
  if (!name.is_static || name.text.empty()) return Unknown("a command name that is only known at run time");
  if (++wrappers_ > 32) return Unknown("too many commands inside commands");
  const string_view base = FileName(name.text);
  if (wrappers_ == 1 && base == name.text &&
      (Contains(kHarmless, base) || base == "exec" || base == "command" || base == "trap")) {
    use_.builtins_only = true;
  }
  if (base == name.text && (Contains(kHarmless, base) || Contains(kOpaque, base) || base == "trap")) {
    AddBuiltin(words);
  } else if (const WrapperSyntax* wrapper = FindWrapper(base)) {
    if (name.text != "command" && name.text != "exec") AddProgram(name.text);
    if (!AddWrapped(*wrapper, words, tail) && tail == Tail::kOpen) UnknownCommandOf(base);
  } else {
    AddProgram(name.text);
    if (base == "find") AddFind(words.subspan(1));
    if (base == "xargs") AddXargs(words.subspan(1), tail);
    if (base == "watch") AddJoined(words.subspan(1), tail);
    if (base == "printf" && words.size() > 1 && (!words[1].is_static || words[1].text == "-v")) {
      Unknown("'printf' whose format is only known at run time");
    }
    if (IsShellProgram(base)) AddShell(words.subspan(1), tail);
  }
  --wrappers_;
}

void Analyzer::AddBuiltin(Words words) {
  const std::string& name = words[0].text;
  if (Contains(kOpaque, name)) return Unknown("'" + name + "' does what only the running shell knows");
  if (name == "cd") use_.changes_directory = true;
  if (name == "trap" && words.size() > 1) {
    if (!words[1].is_static) return Unknown("'trap' with an action that is only known at run time");
    if (words[1].text != "-" && !words[1].text.empty()) AddScript(words[1].text);
  }
  if (!Contains(kSetters, name)) return;
  for (const ShellWord& word : words.subspan(1)) {
    if (!word.is_static) return Unknown("'" + name + "' of words that are only known at run time");
    CheckVariable(word.text.substr(0, word.text.find('=')));
  }
}

bool Analyzer::AddWrapped(const WrapperSyntax& wrapper, Words words, Tail tail) {
  int operands = wrapper.operands;
  bool options = true;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& text = words[i].text;
    if (!words[i].is_static) {
      UnknownCommandOf(wrapper.name);
      return true;
    }
    if (options && text == "--") {
      options = false;
    } else if (options && text.size() > 1 && text[0] == '-') {
      if (wrapper.name == "command" && (text == "-v" || text == "-V")) return true;
      if (HasRefused(wrapper, text)) {
        Unknown("'" + std::string(wrapper.name) + " " + text + "'");
        return true;
      }
      if (text.starts_with("-C") || text.starts_with("--chdir") || text.starts_with("-D"))
        use_.changes_directory = true;
      if (ValueFollows(wrapper, text)) ++i;
    } else if (wrapper.assignments && text.find('=') != std::string::npos) {
      options = false;
      CheckVariable(text.substr(0, text.find('=')));
    } else if (operands > 0) {
      options = false;
      --operands;
    } else {
      AddCommand(words.subspan(i), tail);
      return true;
    }
  }
  return false;
}

/// find(1): the commands after -exec and its kin.
void Analyzer::AddFind(Words words) {
  constexpr std::array<string_view, 4> kExec{"-exec", "-execdir", "-ok", "-okdir"};
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].is_static || !Contains(kExec, words[i].text)) continue;
    if (words[i].text.ends_with("dir")) use_.changes_directory = true;
    std::vector<ShellWord> command;
    for (++i; i < words.size() && words[i].text != ";" && words[i].text != "+"; ++i) {
      command.push_back(words[i]);
      if (words[i].text.find("{}") != std::string::npos) command.back().is_static = false;
    }
    if (!command.empty()) AddCommand(command, Tail::kClosed);
  }
}

/// xargs(1): the first operand is the command, and its arguments come from the input.
void Analyzer::AddXargs(Words words, Tail tail) {
  constexpr WrapperSyntax kSyntax{.name = "xargs",
                                  .valued = "aEILnPsd",
                                  .valued_long =
                                      "--arg-file --delimiter --max-lines --max-args --max-procs --max-chars "
                                      "--process-slot-var --replace"};
  std::vector<ShellWord> command(1, ShellWord{.text = "xargs"});
  std::string replace;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& text = words[i].text;
    command.push_back(words[i]);
    if (text == "-I" && i + 1 < words.size()) {
      command.push_back(words[++i]);
      replace = words[i].text;
    } else if (text.starts_with("-I")) {
      replace = text.substr(2);
    } else if (text.starts_with("-i") || text.starts_with("--replace")) {
      const std::size_t value = text.starts_with("-i") ? 2 : text.find('=') + 1;
      replace = value > 0 && value < text.size() ? text.substr(value) : "{}";
    } else if (!replace.empty() && text.find(replace) != std::string::npos) {
      command.back().is_static = false;
    }
  }
  if (AddWrapped(kSyntax, command, Tail::kOpen)) return;
  AddProgram("echo");
  if (tail == Tail::kOpen) UnknownCommandOf("xargs");
}

/// sh -c SCRIPT. Without -c it reads a file or its input: nothing to see, and the note in runs_others stands.
void Analyzer::AddShell(Words words, Tail tail) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& text = words[i].text;
    if (!words[i].is_static) return Unknown("a shell whose arguments are only known at run time");
    if (text.size() < 2 || (text[0] != '-' && text[0] != '+')) break;
    if (text[0] == '-' && text[1] != '-' && text.find('c') != std::string::npos) {
      // Options may follow the -c; the script is the first word that is none.
      for (++i; i < words.size() && words[i].is_static && words[i].text.size() > 1 && words[i].text[0] == '-'; ++i)
        continue;
      if (i >= words.size() || !words[i].is_static) return Unknown("a shell whose script is only known at run time");
      return AddScript(words[i].text);
    }
    if (text == "-o" || text == "+o" || text == "--rcfile" || text == "--init-file") ++i;
  }
  if (tail == Tail::kOpen) Unknown("a shell whose arguments are only known at run time");
}

void Analyzer::AddScript(string_view text) {
  if (depth_ >= kMaxScripts) return Unknown("too many scripts inside scripts");
  const CommandUse inner = AnalyzeScript(ParseShell(text), depth_ + 1);
  if (!inner.unknown.empty()) Unknown(inner.unknown);
  for (const std::string& name : inner.programs) AddProgram(name);
  for (const std::string& path : inner.writes) {
    if (!Contains(use_.writes, path)) use_.writes.push_back(path);
  }
  use_.words.insert(use_.words.end(), inner.words.begin(), inner.words.end());
  use_.changes_directory = use_.changes_directory || inner.changes_directory;
}

/// watch(1): its words, joined by blanks, are a script for sh -c.
void Analyzer::AddJoined(Words words, Tail tail) {
  if (tail == Tail::kOpen) return UnknownCommandOf("watch");
  std::string text;
  bool options = true;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].is_static) return UnknownCommandOf("watch");
    if (options && words[i].text.starts_with('-')) {
      if (words[i].text == "-n" || words[i].text == "--interval") ++i;
      continue;
    }
    options = false;
    text.append(words[i].text).push_back(' ');
  }
  AddScript(text);
}

}  // namespace

CommandUse AnalyzeScript(const ShellScript& script, int depth) { return Analyzer(depth).Run(script); }

}  // namespace rune::agent
