#include "agent/policy/shell_parser.h"

namespace rune::agent {
namespace {

constexpr int kMaxNesting = 40;
constexpr std::string_view kSpecialParameters = "@*#?-$!0123456789";

bool IsSpecialParameter(char c) { return c != '\0' && kSpecialParameters.find(c) != std::string_view::npos; }

}  // namespace

std::string ShellParser::ReadName() {
  const std::size_t begin = pos_;
  while (IsNameChar(Peek())) ++pos_;
  return std::string(in_.substr(begin, pos_ - begin));
}

/// At '$' (XCU 2.6). A '$' that starts nothing is itself.
void ShellParser::ParseDollar(ShellWord& word, Quoting quoting) {
  const char next = Peek(1);
  if (next == '(' || next == '{' || IsNameStart(next) || IsSpecialParameter(next)) {
    word.is_static = false;
    out_.needs_shell = true;
  }
  if (LookingAt("$((")) return ParseArithmetic();
  if (next == '(') return ParseCommandSubstitution();
  if (next == '{') return ParseParameter(quoting);
  ++pos_;
  if (IsNameStart(next)) {
    ReadName();
  } else if (IsSpecialParameter(next)) {
    ++pos_;
  } else if (next == '[') {
    Fail("'$[' is not of the standard shell");
  } else if (quoting == Quoting::kNone && (next == '\'' || next == '"')) {
    Fail("a quote after '$' is read differently by different shells");
  } else if (LookingAt("\\\n")) {
    Fail("a line continuation after '$'");
  } else {
    word.text.push_back('$');
  }
}

/// At "${" (XCU 2.6.2).
void ShellParser::ParseParameter(Quoting quoting) {
  if (depth_ + ++nesting_ > kMaxNesting) return Fail("nested too deeply");
  pos_ += 2;
  const bool length = Peek() == '#' && Peek(1) != '}';
  if (length) ++pos_;
  std::string name;
  if (IsNameStart(Peek())) {
    name = ReadName();
  } else if (IsSpecialParameter(Peek())) {
    const bool digit = IsNameChar(Peek());
    ++pos_;
    while (digit && IsNameChar(Peek())) ++pos_;
  } else {
    return Fail("an expansion that the standard shell does not have");
  }
  if (Peek() == '}') {
    ++pos_;
    --nesting_;
    return;
  }
  if (length) return Fail("an expansion that the standard shell does not have");
  if (Peek() == ':') ++pos_;
  const char op = Peek();
  const bool trims = (op == '%' || op == '#') && in_[pos_ - 1] != ':';
  if (op != '-' && op != '=' && op != '?' && op != '+' && !trims) {
    return Fail("an expansion that the standard shell does not have");
  }
  if (op == '=') out_.assigned.push_back(name);
  ++pos_;
  if (trims && Peek() == op) ++pos_;
  ParseParameterWord(quoting);
}

/// The word after the operator of "${name-word}", and the closing brace.
void ShellParser::ParseParameterWord(Quoting quoting) {
  ShellWord word;
  while (!AtEnd() && Peek() != '}') {
    const char c = Peek();
    if (c == '\\') {
      if (Peek(1) == '\n') return Fail("a line continuation inside an expansion");
      pos_ += 2;
    } else if (c == '$') {
      ParseDollar(word, quoting);
    } else if (c == '`') {
      ParseBackquote(quoting);
    } else if (c == '\'' || c == '"') {
      if (quoting == Quoting::kDouble) return Fail("quotes inside a quoted expansion are read differently by shells");
      c == '\'' ? ParseSingleQuoted(word) : ParseDoubleQuoted(word);
    } else if (c == '{' || LookingAt("<(") || LookingAt(">(") || (c == '\n' && !pending_.empty())) {
      return Fail("an expansion that shells read differently");
    } else {
      ++pos_;
    }
  }
  if (AtEnd()) return Fail("an expansion without its end");
  ++pos_;
  --nesting_;
}

/// At "$((" (XCU 2.6.4). Every name in it counts as set: an assignment needs no '$'.
void ShellParser::ParseArithmetic() {
  if (depth_ + ++nesting_ > kMaxNesting) return Fail("nested too deeply");
  if (!pending_.empty()) return Fail("an expansion after '<<'");
  pos_ += 3;
  ShellWord word;
  int parentheses = 0;
  while (!AtEnd()) {
    const char c = Peek();
    if (c == ')' && parentheses == 0) break;
    if (c == '(') ++parentheses;
    if (c == ')') --parentheses;
    if (c == '$') {
      ParseDollar(word, Quoting::kDouble);
    } else if (c == '`') {
      ParseBackquote(Quoting::kDouble);
    } else if (IsNameStart(c)) {
      out_.assigned.push_back(ReadName());
    } else if (std::string_view("'\"\\[]{};\n").find(c) != std::string_view::npos) {
      return Fail("arithmetic that shells read differently");
    } else {
      ++pos_;
    }
  }
  if (!LookingAt("))")) return Fail("'$((' that is not arithmetic");
  pos_ += 2;
  --nesting_;
}

/// At "$(". Its commands are read by this same parser (XCU 2.6.3).
void ShellParser::ParseCommandSubstitution() {
  if (depth_ + ++nesting_ > kMaxNesting) return Fail("nested too deeply");
  if (!pending_.empty()) return Fail("a command substitution after '<<'");
  out_.needs_shell = true;
  pos_ += 2;
  ParseList();
  if (Peek() != ')' || !pending_.empty()) return Fail("a command substitution without its end");
  ++pos_;
  --nesting_;
}

/// At '`'. The text up to the next unescaped backquote, with its escapes undone, is a program of its own.
void ShellParser::ParseBackquote(Quoting quoting) {
  if (depth_ + nesting_ > kMaxNesting) return Fail("nested too deeply");
  if (!pending_.empty()) return Fail("a command substitution after '<<'");
  out_.needs_shell = true;
  std::string text;
  for (++pos_; !AtEnd() && Peek() != '`'; ++pos_) {
    const char c = Peek();
    if (c == '"' && quoting == Quoting::kDouble) return Fail("quotes inside quoted backquotes");
    if (c == '\\' && std::string_view("`\\$").find(Peek(1)) != std::string_view::npos) ++pos_;
    text.push_back(Peek());
  }
  if (AtEnd()) return Fail("a backquote without its end");
  ++pos_;
  ShellParser inner(text, out_, depth_ + 1);
  inner.nesting_ = 1;
  inner.ParseProgram();
  if (!ok()) Fail(out_.unknown);
}

}  // namespace rune::agent
