#include "sandbox/repositories/git_config.h"

namespace rune::sandbox {
namespace {

bool IsSpace(int c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsLetter(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsKeyCharacter(int c) { return IsLetter(c) || (c >= '0' && c <= '9') || c == '-'; }
char Lower(int c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
  }

  std::optional<std::vector<GitConfigEntry>> Read() {
    bool in_comment = false;
    while (true) {
      const int c = Next();
      if (c == '\n') {
        if (ended_) return std::move(entries_);
        in_comment = false;
      } else if (in_comment || IsSpace(c)) {
        continue;
      } else if (c == '#' || c == ';') {
        in_comment = true;
      } else if (c == '[') {
        if (!ReadSection()) return std::nullopt;
      } else if (!IsLetter(c) || !ReadEntry(c)) {
        return std::nullopt;
      }
    }
  }

 private:
  /// The end of the file reads as one more end of a line; a carriage return before one is part of it.
  int Next() {
    if (at_ >= text_.size()) {
      ended_ = true;
      return '\n';
    }
    const char c = text_[at_++];
    if (c == '\r' && at_ < text_.size() && text_[at_] == '\n')
      ++at_;
    else if (c != '\r' || at_ < text_.size())
      return static_cast<unsigned char>(c);
    else
      return '\r';
    return '\n';
  }

  bool ReadSection() {
    base_.clear();
    while (true) {
      const int c = Next();
      if (ended_) return false;
      if (c == ']') return !base_.empty();
      if (IsSpace(c)) return ReadSubsection(c);
      if (!IsKeyCharacter(c) && c != '.') return false;
      base_ += Lower(c);
    }
  }

  bool ReadSubsection(int c) {
    do {
      if (c == '\n') return false;
      c = Next();
    } while (IsSpace(c));
    if (c != '"') return false;
    base_ += '.';
    while (true) {
      c = Next();
      if (c == '\n') return false;
      if (c == '"') break;
      if (c == '\\') c = Next();
      if (c == '\n') return false;
      base_ += static_cast<char>(c);
    }
    return Next() == ']';
  }

  bool ReadEntry(int first) {
    GitConfigEntry entry;
    entry.begin = at_ - 1;
    // What stands behind the first dot is the subsection, however it was written.
    const std::size_t dot = base_.find('.');
    entry.section = base_.substr(0, dot);
    if (dot != std::string::npos) entry.subsection = base_.substr(dot + 1);
    entry.name += Lower(first);
    int c = Next();
    for (; !ended_ && IsKeyCharacter(c); c = Next()) entry.name += Lower(c);
    while (c == ' ' || c == '\t') c = Next();
    if (c != '\n') {
      if (c != '=') return false;
      entry.value.emplace();
      if (!ReadValue(*entry.value)) return false;
    }
    entry.end = ended_ ? text_.size() : at_ - 1;
    entries_.push_back(std::move(entry));
    return true;
  }

  bool ReadValue(std::string& value) {
    bool quoted = false;
    bool in_comment = false;
    std::size_t kept = 0;  ///< Up to the last character that was no blank at the end.
    while (true) {
      int c = Next();
      if (c == '\n') {
        value.resize(kept);
        return !quoted;
      }
      if (in_comment) continue;
      if (IsSpace(c) && !quoted) {
        if (!value.empty()) value += static_cast<char>(c);
        continue;
      }
      if (!quoted && (c == ';' || c == '#')) {
        in_comment = true;
        continue;
      }
      if (c == '"') {
        quoted = !quoted;
        kept = value.size();
        continue;
      }
      if (c == '\\') {
        c = Next();
        if (c == '\n') continue;
        if (!Unescape(c)) return false;
      }
      value += static_cast<char>(c);
      kept = value.size();
    }
  }

  static bool Unescape(int& c) {
    switch (c) {
      case 't':
        c = '\t';
        return true;
      case 'b':
        c = '\b';
        return true;
      case 'n':
        c = '\n';
        return true;
      case '\\':
      case '"':
        return true;
      default:
        return false;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool ended_ = false;
  std::string base_;  ///< Section and subsection, as git joins them.
  std::vector<GitConfigEntry> entries_;
};

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::string GitConfigEntry::Key() const {
  return section.empty() ? name : section + (subsection ? "." + *subsection + "." : ".") + name;
}

std::optional<std::vector<GitConfigEntry>> ParseGitConfig(std::string_view text) { return Reader(text).Read(); }

std::string GitConfigLines(const GitConfigEntry& entry) {
  std::string out = "[" + entry.section + (entry.subsection ? " " + Quoted(*entry.subsection) : "") + "]\n\t";
  out += entry.name;
  if (entry.value) out += " = " + Quoted(*entry.value);
  return out + "\n";
}

}  // namespace rune::sandbox
