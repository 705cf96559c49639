#include <algorithm>
#include <utility>

#include "agent/policy/shell_parser.h"
#include "sandbox/base/characters.h"

namespace rune::agent {
namespace {

constexpr std::string_view kWordEnd = " \t\n;&|()<>";

/// Notes the characters whose meaning depends on the rest of the word.
class PatternWatch {
 public:
  void See(char c, bool at_start) {
    if (c == '*' || c == '?' || (c == '~' && at_start)) expands_ = true;
    if (c == '[') bracket_ = true;
    if (c == ']' && bracket_) expands_ = true;
    if (c == '{') brace_ = true;
    if (c == ',' && brace_) expands_ = true;
    if (c == '.' && last_ == '.' && brace_) expands_ = true;
    last_ = c;
  }
  /// A pathname, tilde or (bash) brace expansion may happen.
  bool expands() const { return expands_; }

 private:
  bool expands_ = false;
  bool bracket_ = false;
  bool brace_ = false;
  char last_ = '\0';
};

}  // namespace

bool IsShellBlank(char c) { return c == ' ' || c == '\t'; }
bool IsNameStart(char c) { return IsLetter(c) || c == '_'; }
bool IsNameChar(char c) { return IsNameStart(c) || IsDigit(c); }
bool IsShellName(std::string_view text) {
  return !text.empty() && IsNameStart(text.front()) && std::all_of(text.begin(), text.end(), IsNameChar);
}

void ShellParser::Fail(std::string reason) {
  if (ok()) out_.unknown = std::move(reason);
  pos_ = in_.size();
}

void ShellParser::SkipBlanks() {
  while (!AtEnd()) {
    if (IsShellBlank(Peek())) {
      ++pos_;
    } else if (LookingAt("\\\n")) {
      if (!pending_.empty()) return Fail("a line continuation after '<<'");
      pos_ += 2;
    } else if (Peek() == '#') {
      // Only called where a token may start, so this is a comment. dash and bash end it at the newline.
      while (!AtEnd() && Peek() != '\n') ++pos_;
    } else {
      return;
    }
  }
}

void ShellParser::SkipNewlines() {
  for (SkipBlanks(); Peek() == '\n'; SkipBlanks()) ConsumeNewline();
}

void ShellParser::ConsumeNewline() {
  ++pos_;
  for (const HereDocument& document : std::exchange(pending_, {})) {
    if (!ok()) return;
    ReadHereDocument(document);
  }
}

void ShellParser::ReadHereDocument(const HereDocument& document) {
  std::string body;
  while (!AtEnd()) {
    const std::size_t end = std::min(in_.find('\n', pos_), in_.size());
    std::string_view line = in_.substr(pos_, end - pos_);
    pos_ = std::min(end + 1, in_.size());
    if (document.strip_tabs) line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
    if (line == document.delimiter) {
      if (document.literal) return;
      ShellParser inner(body, out_, depth_ + 1);
      inner.ParseHereBody();
      if (!ok()) Fail(out_.unknown);
      return;
    }
    // A continued line hides the delimiter in one shell and not in another.
    if (!document.literal && line.ends_with('\\')) return Fail("a line continuation in a here-document");
    body.append(line).push_back('\n');
  }
  Fail("a here-document without its end");
}

void ShellParser::ParseHereBody() {
  nesting_ = 1;
  ShellWord text;
  while (!AtEnd()) {
    const char c = Peek();
    if (c == '\\') {
      pos_ += 2;
    } else if (c == '$') {
      ParseDollar(text, Quoting::kDouble);
    } else if (c == '`') {
      ParseBackquote(Quoting::kDouble);
    } else {
      ++pos_;
    }
  }
}

ShellWord ShellParser::ParseWord() {
  ShellWord word;
  PatternWatch pattern;
  const std::size_t begin = pos_;
  while (!AtEnd() && kWordEnd.find(Peek()) == std::string_view::npos) {
    const char c = Peek();
    switch (c) {
      case '\\':
        ParseEscape(word);
        break;
      case '\'':
        ParseSingleQuoted(word);
        break;
      case '"':
        ParseDoubleQuoted(word);
        break;
      case '$':
        ParseDollar(word, Quoting::kNone);
        break;
      case '`':
        ParseBackquote(Quoting::kNone);
        word.is_static = false;
        break;
      default:
        pattern.See(c, pos_ == begin);
        word.text.push_back(c);
        ++pos_;
    }
  }
  if (pattern.expands()) word.is_static = false;
  if (!word.is_static) out_.needs_shell = true;
  return word;
}

void ShellParser::ParseEscape(ShellWord& word) {
  if (Peek(1) == '\n') {
    pos_ += 2;
    // Between words it only continues the line; inside one it can hide keywords and operators.
    if (!AtEnd() && !IsShellBlank(Peek()) && Peek() != '\n') Fail("a line continuation inside a word");
    return;
  }
  if (pos_ + 1 >= in_.size()) return Fail("a backslash at the end");
  word.quoted = true;
  word.text.push_back(Peek(1));
  pos_ += 2;
}

void ShellParser::ParseSingleQuoted(ShellWord& word) {
  const std::size_t end = in_.find('\'', pos_ + 1);
  if (end == std::string_view::npos) return Fail("a quote without its end");
  const std::string_view text = in_.substr(pos_ + 1, end - pos_ - 1);
  if (!pending_.empty() && text.find('\n') != std::string_view::npos) return Fail("a quoted newline after '<<'");
  word.quoted = true;
  word.text.append(text);
  pos_ = end + 1;
}

void ShellParser::ParseDoubleQuoted(ShellWord& word) {
  word.quoted = true;
  ++pos_;
  while (!AtEnd() && Peek() != '"') {
    const char c = Peek();
    if (c == '$') {
      ParseDollar(word, Quoting::kDouble);
    } else if (c == '`') {
      ParseBackquote(Quoting::kDouble);
      word.is_static = false;
    } else if (c == '\\' && pos_ + 1 < in_.size()) {
      const char next = Peek(1);
      if (std::string_view("$`\"\\\n").find(next) == std::string_view::npos) word.text.push_back(c);
      if (next != '\n') word.text.push_back(next);
      pos_ += 2;
    } else {
      if (c == '\n' && !pending_.empty()) return Fail("a quoted newline after '<<'");
      word.text.push_back(c);
      ++pos_;
    }
  }
  if (AtEnd()) return Fail("a quote without its end");
  ++pos_;
}

}  // namespace rune::agent
