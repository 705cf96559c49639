#include "sandbox/guardian/remedy_flags.h"

#include "sandbox/base/characters.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kNamed = 4;
constexpr std::size_t kMaxFlags = 1000;

/// Before each entry.
std::string FlagOf(Grant grant) {
  switch (grant) {
    case Grant::kNothing:
      return "";
    case Grant::kExecute:
    case Grant::kExecuteWritten:
      return "--rox";
    case Grant::kRead:
      return "--ro";
    case Grant::kWrite:
      return "--rw";
    case Grant::kDomain:
      return "--allow-domain";
    case Grant::kUpload:
      return "--max-upload";
    case Grant::kGitConfig:
      return "--git-config";
  }
  return "";
}

/// Words as a POSIX shell reads them back.
std::string ShellText(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += text.empty() ? "" : " ";
    const bool plain = All(word, [](char c) {
      return IsAlphanumeric(c) || std::string_view("-_./:,=@%+").find(c) != std::string_view::npos;
    });
    if (plain && !word.empty()) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
    text += '\'';
  }
  return text;
}

}  // namespace

std::vector<std::string> FlagsOf(const Remedy& remedy) {
  const std::string flag = FlagOf(remedy.grant);
  if (remedy.grant == Grant::kUpload) return {flag, "0"};
  if (remedy.grant == Grant::kGitConfig) return {flag, "open"};
  std::vector<std::string> words;
  for (const std::string& entry : remedy.entries) words.insert(words.end(), {flag, entry});
  return words;
}

std::string RefusedLine(const std::vector<Denial>& denials) {
  if (denials.empty()) return "";
  std::string line = "refused: ";
  std::string flags;
  std::size_t closed = 0;  // what no flag would allow
  for (std::size_t i = 0; i < denials.size(); ++i) {
    const Denial& denial = denials[i];
    if (i < kNamed) {
      line += (i == 0 ? "" : ", ") + std::string(DeniedActName(denial.what)) + " " + OneLine(denial.target, 120) +
              " (" + std::string(DeniedByName(denial.by)) + ")";
    }
    const std::string more = ShellText(FlagsOf(denial.remedy));
    if (more.empty()) ++closed;
    if (!more.empty() && flags.size() < kMaxFlags && flags.find(more) == std::string::npos) flags += " " + more;
  }
  if (denials.size() > kNamed) line += " and " + std::to_string(denials.size() - kNamed) + " more";
  if (flags.empty()) return line + "; no flag allows that";
  return line + "; to allow:" + flags + (closed > 0 ? "; " + std::to_string(closed) + " of them no flag allows" : "");
}

}  // namespace rune::sandbox
