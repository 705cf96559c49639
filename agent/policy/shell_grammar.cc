#include <algorithm>
#include <array>

#include "agent/policy/shell_parser.h"
#include "sandbox/base/characters.h"
#include "sandbox/base/list.h"

namespace rune::agent {
namespace {

constexpr int kMaxCompound = 40;
constexpr std::size_t kMaxText = 100 * 1024;  // below MAX_ARG_STRLEN, so that the text can be handed to sh -c

constexpr std::array<std::string_view, 21> kReserved{"!",     "{",     "}",  "case", "do",       "done",   "elif",
                                                     "else",  "esac",  "fi", "for",  "if",       "in",     "then",
                                                     "until", "while", "[[", "]]",   "function", "select", "coproc"};
constexpr std::array<std::string_view, 9> kClosers{"}", "do", "done", "elif", "else", "esac", "fi", "then", "in"};

constexpr std::string_view kKeywordEnd = " \t\n;&|()<>";
constexpr std::string_view kQuoting = "\\'\"$`";

}  // namespace

bool IsReservedWord(std::string_view text) { return Contains(kReserved, text); }

/// The unquoted word at this place, without moving; empty when there is none or it is quoted in part.
std::string_view ShellParser::PeekKeyword() const {
  std::size_t end = pos_;
  while (end < in_.size() && kKeywordEnd.find(in_[end]) == std::string_view::npos) {
    if (kQuoting.find(in_[end]) != std::string_view::npos) return {};
    ++end;
  }
  return in_.substr(pos_, end - pos_);
}

bool ShellParser::TakeKeyword(std::string_view keyword) {
  if (PeekKeyword() != keyword) return false;
  pos_ += keyword.size();
  out_.needs_shell = true;
  return true;
}

void ShellParser::ExpectKeyword(std::string_view keyword) {
  if (ok() && !TakeKeyword(keyword)) Fail("a compound command without its '" + std::string(keyword) + "'");
}

void ShellParser::ParseProgram() {
  ParseList();
  if (ok() && !AtEnd()) Fail("a syntax error near '" + std::string(in_.substr(pos_, 10)) + "'");
  if (ok() && !pending_.empty()) Fail("a here-document without its end");
}

/// Up to ')', ';;', a word that closes a compound command, or the end.
void ShellParser::ParseList() {
  for (SkipNewlines(); !AtEnd(); SkipNewlines()) {
    if (Peek() == ')' || LookingAt(";;") || Contains(kClosers, PeekKeyword())) return;
    const Definition definition = ParseAndOr();
    SkipBlanks();
    if (!ok()) return;
    const bool background = Peek() == '&';
    if (definition == Definition::kFunction && nesting_ == 0 && depth_ == 0 && !background) {
      out_.functions.push_back(last_function_);
    }
    if (background || (Peek() == ';' && Peek(1) != ';')) {
      if (background && Peek(1) == '>') return Fail("'&>' is read differently by different shells");
      if (Peek(1) == '&') return Fail("a syntax error near '" + std::string(in_.substr(pos_, 10)) + "'");
      out_.needs_shell = true;
      ++pos_;
    } else if (Peek() != '\n') {
      return;
    }
  }
}

void ShellParser::ParseBody() {
  const std::size_t commands = out_.commands.size();
  const std::size_t writes = out_.writes.size();
  ParseList();
  if (ok() && out_.commands.size() == commands && out_.writes.size() == writes) Fail("an empty compound command");
}

ShellParser::Definition ShellParser::ParseAndOr() {
  Definition definition = ParsePipeline();
  for (SkipBlanks(); ok() && (LookingAt("&&") || LookingAt("||")); SkipBlanks()) {
    out_.needs_shell = true;
    pos_ += 2;
    SkipNewlines();
    ParsePipeline();
    definition = Definition::kNone;
  }
  return definition;
}

ShellParser::Definition ShellParser::ParsePipeline() {
  const bool negated = TakeKeyword("!");
  Definition definition = ParseCommand();
  if (negated) definition = Definition::kNone;
  for (SkipBlanks(); ok() && Peek() == '|' && Peek(1) != '|'; SkipBlanks()) {
    if (Peek(1) == '&') {
      Fail("'|&' is not of the standard shell");
      break;
    }
    out_.needs_shell = true;
    ++pos_;
    SkipNewlines();
    ParseCommand();
    definition = Definition::kNone;
  }
  return definition;
}

ShellParser::Definition ShellParser::ParseCommand() {
  SkipBlanks();
  if (!ok()) return Definition::kNone;
  const std::string_view keyword = PeekKeyword();
  if (Peek() != '(' && !IsReservedWord(keyword)) return ParseSimple();
  out_.needs_shell = true;
  if (depth_ + ++nesting_ > kMaxCompound) {
    Fail("nested too deeply");
  } else if (Peek() == '(') {
    ParseSubshell();
  } else if (TakeKeyword("{")) {
    ParseGroup();
  } else if (TakeKeyword("if")) {
    ParseIf();
  } else if (TakeKeyword("while") || TakeKeyword("until")) {
    ParseLoop();
  } else if (TakeKeyword("for")) {
    ParseFor();
  } else if (TakeKeyword("case")) {
    ParseCase();
  } else {
    Fail("'" + std::string(keyword) + "' where a command must stand");
  }
  --nesting_;
  ParseRedirections();
  return Definition::kNone;
}

void ShellParser::ParseSubshell() {
  if (Peek(1) == '(') return Fail("'((' is read differently by different shells");
  ++pos_;
  ParseBody();
  if (ok() && Peek() != ')') return Fail("a subshell without its end");
  ++pos_;
}

void ShellParser::ParseGroup() {
  ParseBody();
  ExpectKeyword("}");
}

void ShellParser::ParseIf() {
  ParseBody();
  ExpectKeyword("then");
  ParseBody();
  while (ok() && TakeKeyword("elif")) {
    ParseBody();
    ExpectKeyword("then");
    ParseBody();
  }
  if (ok() && TakeKeyword("else")) ParseBody();
  ExpectKeyword("fi");
}

void ShellParser::ParseLoop() {
  ParseBody();
  ExpectKeyword("do");
  ParseBody();
  ExpectKeyword("done");
}

void ShellParser::ParseFor() {
  SkipBlanks();
  const std::string_view name = PeekKeyword();
  if (!IsShellName(name)) return Fail("a 'for' that the standard shell does not have");
  out_.assigned.emplace_back(name);
  pos_ += name.size();
  SkipNewlines();
  if (ok() && TakeKeyword("in")) {
    for (SkipBlanks(); ok() && !AtEnd() && kKeywordEnd.find(Peek()) == std::string_view::npos; SkipBlanks())
      ParseWord();
    if (ok() && Peek() != ';' && Peek() != '\n') return Fail("a 'for' without its 'do'");
  }
  if (Peek() == ';') ++pos_;
  SkipNewlines();
  ExpectKeyword("do");
  ParseBody();
  ExpectKeyword("done");
}

void ShellParser::ParseCase() {
  SkipBlanks();
  ParseWord();
  SkipNewlines();
  ExpectKeyword("in");
  for (SkipNewlines(); ok() && !AtEnd() && PeekKeyword() != "esac"; SkipNewlines()) ParseCaseItem();
  ExpectKeyword("esac");
}

void ShellParser::ParseCaseItem() {
  if (Peek() == '(') ++pos_;
  while (ok()) {
    SkipBlanks();
    const std::size_t begin = pos_;
    ParseWord();
    if (pos_ == begin) return Fail("a 'case' without a pattern");
    SkipBlanks();
    if (Peek() != '|') break;
    ++pos_;
  }
  if (ok() && Peek() != ')') return Fail("a 'case' pattern without its ')'");
  ++pos_;
  ParseList();
  if (!ok()) return;
  if (LookingAt(";;&") || LookingAt(";&")) return Fail("a 'case' that the standard shell does not have");
  if (LookingAt(";;")) {
    pos_ += 2;
  } else if (PeekKeyword() != "esac") {
    Fail("a 'case' item without its end");
  }
}

ShellParser::Definition ShellParser::ParseSimple() {
  ShellCommand command;
  const std::size_t begin = pos_;
  for (SkipBlanks(); ok() && !AtEnd(); SkipBlanks()) {
    const char c = Peek();
    if (c == '&' && Peek(1) == '>') {
      Fail("'&>' is read differently by different shells");
    } else if (AtRedirection()) {
      ParseRedirection();
    } else if (kKeywordEnd.find(c) != std::string_view::npos) {
      break;
    } else if (command.words.empty() && TakeAssignment(command)) {
      continue;
    } else {
      const std::string_view raw = PeekKeyword();
      ShellWord word = ParseWord();
      if (!ok()) break;
      SkipBlanks();
      if (command.words.empty() && command.assigned.empty() && Peek() == '(') {
        ParseFunction(word);
        return Definition::kFunction;
      }
      if (command.words.empty()) {
        if (raw.find_first_of("{}") != std::string_view::npos) Fail("braces in a command name");
        CheckCommandName(word);
        command.calls_function = Contains(out_.functions, word.text);
      }
      command.words.push_back(std::move(word));
    }
  }
  if (ok() && pos_ == begin) Fail("a syntax error near '" + std::string(in_.substr(pos_, 10)) + "'");
  if (ok() && Peek() == '(') Fail("'(' where no command can start");
  out_.commands.push_back(std::move(command));
  return Definition::kNone;
}

/// What runs must be known from the text, and be the same for every shell.
void ShellParser::CheckCommandName(const ShellWord& word) {
  if (!word.is_static) return Fail("a command name that is only known at run time");
  if (word.text.empty()) return Fail("an empty command name");
  if (!word.quoted && IsReservedWord(word.text)) return Fail("'" + word.text + "' where a command must stand");
  if (word.text.find('=') != std::string::npos) Fail("a command name with '=' in it");
}

void ShellParser::ParseFunction(const ShellWord& name) {
  out_.needs_shell = true;
  if (!name.is_static || name.quoted || !IsShellName(name.text)) return Fail("'(' where no command can start");
  ++pos_;
  SkipBlanks();
  if (Peek() != ')') return Fail("'(' where no command can start");
  ++pos_;
  SkipNewlines();
  if (Peek() != '(' && PeekKeyword() != "{") return Fail("a function whose body is no group");
  ++nesting_;
  ParseCommand();
  --nesting_;
  last_function_ = name.text;
}

/// NAME=word before the command name.
bool ShellParser::TakeAssignment(ShellCommand& command) {
  std::size_t end = pos_;
  while (end < in_.size() && IsNameChar(in_[end])) ++end;
  const std::string_view name = in_.substr(pos_, end - pos_);
  if (!IsShellName(name) || end >= in_.size() || in_[end] != '=') return false;
  command.assigned.emplace_back(name);
  out_.assigned.emplace_back(name);
  out_.needs_shell = true;
  pos_ = end + 1;
  ParseWord();
  if (ok() && Peek() == '(') Fail("an array, which the standard shell does not have");
  return true;
}

bool ShellParser::AtRedirection() const {
  std::size_t at = pos_;
  while (at < in_.size() && IsDigit(in_[at])) ++at;
  return at < in_.size() && (in_[at] == '<' || in_[at] == '>');
}

void ShellParser::ParseRedirections() {
  for (SkipBlanks(); ok() && AtRedirection(); SkipBlanks()) ParseRedirection();
}

void ShellParser::ParseRedirection() {
  out_.needs_shell = true;
  const std::size_t begin = pos_;
  while (IsDigit(Peek())) ++pos_;
  // dash takes one digit as a descriptor and more as an argument; bash takes any number.
  if (pos_ - begin > 1) return Fail("a descriptor above 9");
  if (LookingAt("<(") || LookingAt(">(")) return Fail("process substitution is not of the standard shell");
  if (LookingAt("<<<")) return Fail("'<<<' is not of the standard shell");
  if (LookingAt("<<")) return ParseHereDelimiter();
  std::string op;
  for (const std::string_view candidate : {">>", ">|", ">&", "<>", "<&", ">", "<"}) {
    if (op.empty() && LookingAt(candidate)) op = candidate;
  }
  pos_ += op.size();
  SkipBlanks();
  const std::size_t word_begin = pos_;
  ShellWord target = ParseWord();
  if (ok() && pos_ == word_begin) return Fail("a redirection without its target");
  if (op.ends_with('&')) {
    const bool descriptor = target.text.size() == 1 && (target.text == "-" || IsDigit(target.text[0]));
    if (!target.is_static || !descriptor) Fail("'" + op + "' with something that is no descriptor");
    return;
  }
  if (op != "<") out_.writes.push_back(std::move(target));
}

/// At "<<". Only delimiters that every shell reads the same way.
void ShellParser::ParseHereDelimiter() {
  pos_ += 2;
  HereDocument document;
  if (Peek() == '-') {
    document.strip_tabs = true;
    ++pos_;
  }
  SkipBlanks();
  const ShellWord word = ParseWord();
  if (!ok()) return;
  const bool plain =
      std::all_of(word.text.begin(), word.text.end(), [](char c) { return IsNameChar(c) || c == '.' || c == '-'; });
  if (!word.is_static || word.text.empty() || !plain) return Fail("an unusual here-document delimiter");
  document.delimiter = word.text;
  document.literal = word.quoted;
  pending_.push_back(std::move(document));
}

ShellScript ParseShell(std::string_view text) {
  ShellScript script;
  // A control character is a blank to people, part of a word to the shell, and the end of the text to execve(2).
  const auto control = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
  };
  if (std::any_of(text.begin(), text.end(), control)) {
    script.unknown = "a control character";
  } else if (text.size() > kMaxText) {
    script.unknown = "a command line of more than 100 KiB";
  } else {
    ShellParser(text, script, 0).ParseProgram();
  }
  if (script.commands.size() != 1) script.needs_shell = true;
  return script;
}

}  // namespace rune::agent
