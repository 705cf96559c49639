#pragma once
/// The machinery of ParseShell(): one recursive-descent parser that reads words and commands from the same text,
/// because the shell grammar cannot be tokenised without parsing it. The first thing that is not understood ends the
/// parse.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/policy/shell.h"

namespace rune::agent {

class ShellParser {
 public:
  /// `depth` counts nested parsers (backquotes).
  ShellParser(std::string_view text, ShellScript& out, int depth) : in_(text), out_(out), depth_(depth) {}
  /// Parses all of the text, or leaves the reason in `out.unknown`.
  void ParseProgram();

 private:
  enum class Quoting { kNone, kDouble };
  enum class Definition { kNone, kFunction };
  struct HereDocument {
    std::string delimiter;
    bool literal = false;  // the delimiter was quoted
    bool strip_tabs = false;
  };

  // Characters (shell_word.cc).
  bool ok() const { return out_.unknown.empty(); }
  void Fail(std::string reason);
  bool AtEnd() const { return pos_ >= in_.size(); }
  char Peek(std::size_t ahead = 0) const { return pos_ + ahead < in_.size() ? in_[pos_ + ahead] : '\0'; }
  bool LookingAt(std::string_view text) const { return in_.substr(pos_, text.size()) == text; }
  void SkipBlanks();  // blanks, comments, line continuations
  void SkipNewlines();
  void ConsumeNewline();  // reads the here-documents that start after it

  // Words and expansions (shell_word.cc, shell_expansion.cc).
  ShellWord ParseWord();
  void ParseEscape(ShellWord& word);
  void ParseSingleQuoted(ShellWord& word);
  void ParseDoubleQuoted(ShellWord& word);
  void ParseDollar(ShellWord& word, Quoting quoting);
  void ParseParameter(Quoting quoting);
  void ParseParameterWord(Quoting quoting);
  void ParseArithmetic();
  void ParseCommandSubstitution();
  void ParseBackquote(Quoting quoting);
  void ParseHereBody();
  void ReadHereDocument(const HereDocument& document);
  std::string ReadName();

  // Commands (shell_grammar.cc).
  std::string_view PeekKeyword() const;
  bool TakeKeyword(std::string_view keyword);
  void ExpectKeyword(std::string_view keyword);
  void ParseList();
  void ParseBody();  // a list that must not be empty
  Definition ParseAndOr();
  Definition ParsePipeline();
  Definition ParseCommand();
  void ParseSubshell();
  void ParseGroup();
  void ParseIf();
  void ParseLoop();
  void ParseFor();
  void ParseCase();
  void ParseCaseItem();
  Definition ParseSimple();
  void CheckCommandName(const ShellWord& word);
  void ParseFunction(const ShellWord& name);
  bool TakeAssignment(ShellCommand& command);
  bool AtRedirection() const;
  void ParseRedirection();
  void ParseRedirections();
  void ParseHereDelimiter();

  std::string_view in_;
  std::size_t pos_ = 0;
  ShellScript& out_;
  int depth_;
  int nesting_ = 0;  // compound commands and substitutions around the current place
  std::vector<HereDocument> pending_;
  std::string last_function_;
};

bool IsShellBlank(char c);
bool IsNameStart(char c);
bool IsNameChar(char c);
/// NAME of XBD 3.235.
bool IsShellName(std::string_view text);
/// Reserved words of dash and bash (XCU 2.4).
bool IsReservedWord(std::string_view text);

}  // namespace rune::agent
