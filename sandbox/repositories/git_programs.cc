#include "sandbox/repositories/git_programs.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace rune::sandbox {
namespace {

struct Known {
  std::string_view section;
  std::string_view name;  ///< "*": every name.
};

/// By section and name, whatever the subsection.
constexpr std::array kPrograms = std::to_array<Known>({
    {"core", "hookspath"},
    {"core", "sshcommand"},
    {"core", "editor"},
    {"core", "askpass"},
    {"core", "gitproxy"},
    {"core", "alternaterefscommand"},
    {"core", "attributesfile"},
    {"core", "worktree"},
    {"gc", "recentobjectshook"},
    {"hook", "command"},
    {"lfs", "path"},
    {"lfs", "clean"},
    {"lfs", "smudge"},
    {"svn", "authorsprog"},
    {"sequence", "editor"},
    {"credential", "helper"},
    {"gpg", "program"},
    {"gpg", "defaultkeycommand"},
    {"diff", "external"},
    {"diff", "command"},
    {"diff", "textconv"},
    {"filter", "clean"},
    {"filter", "smudge"},
    {"filter", "process"},
    {"merge", "driver"},
    {"mergetool", "cmd"},
    {"mergetool", "path"},
    {"difftool", "cmd"},
    {"difftool", "path"},
    {"guitool", "cmd"},
    {"browser", "cmd"},
    {"browser", "path"},
    {"man", "cmd"},
    {"man", "path"},
    {"instaweb", "httpd"},
    {"instaweb", "browser"},
    {"imap", "tunnel"},
    {"include", "path"},
    {"includeif", "path"},
    {"init", "templatedir"},
    {"interactive", "difffilter"},
    {"protocol", "allow"},
    {"remote", "uploadpack"},
    {"remote", "receivepack"},
    {"remote", "vcs"},
    {"sendemail", "tocmd"},
    {"sendemail", "cccmd"},
    {"sendemail", "headercmd"},
    {"sendemail", "smtpserver"},
    {"sendemail", "sendmailcmd"},
    {"tar", "command"},
    {"trailer", "command"},
    {"trailer", "cmd"},
    {"uploadpack", "packobjectshook"},
});

/// What git-lfs writes into every repository that uses it.
constexpr std::array kLfs =
    std::to_array<std::string_view>({"git-lfs clean -- %f", "git-lfs smudge -- %f", "git-lfs smudge --skip -- %f",
                                     "git-lfs filter-process", "git-lfs filter-process --skip"});

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// git_parse_maybe_bool: what is one of these is no program.
bool IsBoolean(const GitConfigEntry& entry) {
  if (!entry.value) return true;
  const std::string text = LowerCase(*entry.value);
  constexpr std::array kWords =
      std::to_array<std::string_view>({"", "true", "false", "yes", "no", "on", "off", "0", "1"});
  return std::find(kWords.begin(), kWords.end(), text) != kWords.end();
}

/// "ext::sh -c ...": a transport of its own, by the letters of a scheme before two colons (gitremote-helpers(7)).
bool StartsProgram(std::string_view url) {
  const std::size_t end = url.find("::");
  return end != std::string_view::npos && end > 0 &&
         std::all_of(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
                  c == '.';
         });
}

}  // namespace

bool IsInclude(const GitConfigEntry& entry) {
  return (entry.section == "include" || entry.section == "includeif") && entry.name == "path";
}

bool RunsPrograms(const GitConfigEntry& entry) {
  const std::string& section = entry.section;
  const std::string& name = entry.name;
  const std::string value = entry.value.value_or("");
  if (section == "filter" && entry.subsection == "lfs")
    return std::find(kLfs.begin(), kLfs.end(), value) == kLfs.end() && name != "required";
  if (std::any_of(kPrograms.begin(), kPrograms.end(),
                  [&](const Known& known) { return known.section == section && known.name == name; })) {
    return true;
  }
  if (section == "core") return (name == "fsmonitor" || name == "pager") && !IsBoolean(entry);
  if (section == "pager") return !IsBoolean(entry);
  // With "!" it is a program; without, it can be one of the many commands that take one (rebase --exec, grep -O).
  if (section == "alias") return true;
  if (section == "submodule")
    return (name == "update" && value.starts_with('!')) || (name == "url" && StartsProgram(value));
  if (section == "url") return StartsProgram(entry.subsection.value_or(""));
  if (section == "remote" || section == "branch") return StartsProgram(value);
  return false;
}

}  // namespace rune::sandbox
