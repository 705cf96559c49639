#include "sandbox/protected_names.h"

#include <algorithm>
#include <array>
#include <span>

#include "sandbox/base/paths.h"

namespace rune::sandbox {
namespace {

using Names = std::span<const std::string_view>;

/// Directories and files, by name, wherever they are.
constexpr std::array kAnywhere = std::to_array<std::string_view>(
    {".rune",    "rune.toml", ".envrc",   ".bashrc",   ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases",
     ".profile", ".zshrc",    ".zshenv",  ".zprofile", ".zlogin",       ".zlogout",    ".cshrc",       ".tcshrc",
     ".login",   ".kshrc",    ".inputrc", ".xprofile", ".xinitrc",      ".xsessionrc"});

/// Below a home that was granted.
constexpr std::array kInHome =
    std::to_array<std::string_view>({".ssh",      ".config",   ".local/bin", ".gitconfig",    ".pam_environment",
                                     ".gnupg",    ".pypirc",   ".npmrc",     ".cargo/config", ".cargo/config.toml",
                                     ".vimrc",    ".vim",      ".emacs",     ".emacs.d",      ".gdbinit",
                                     ".Rprofile", ".pythonrc", ".irbrc",     ".screenrc",     ".tmux.conf"});

constexpr std::array kCiFiles = std::to_array<std::string_view>(
    {".github/workflows", ".github/actions", ".gitlab-ci.yml", ".gitlab-ci.yaml", "Jenkinsfile", ".circleci",
     ".travis.yml", ".drone.yml", ".woodpecker.yml", ".woodpecker", "azure-pipelines.yml", "bitbucket-pipelines.yml",
     ".buildkite", ".concourse", ".gitea/workflows", ".forgejo/workflows", "appveyor.yml", ".appveyor.yml",
     "cloudbuild.yaml"});

constexpr std::array kGitText =
    std::to_array<std::string_view>({"COMMIT_EDITMSG", "MERGE_MSG", "SQUASH_MSG", "TAG_EDITMSG", "description",
                                     "info/exclude", "info/sparse-checkout"});

/// Some file systems take ".GIT" for ".git".
std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

/// `names` at the start of any of the paths that begin with one of the names of `below`: "a/b/.circleci/x".
bool HoldsName(std::string_view below, Names names) {
  for (std::string_view rest = below;;) {
    for (const std::string_view name : names) {
      if (rest.starts_with(name) && (rest.size() == name.size() || rest[name.size()] == '/')) return true;
    }
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return false;
    rest.remove_prefix(slash + 1);
  }
}

bool IsGit(std::string_view below) {
  if (FileName(below) == ".gitmodules") return true;
  for (std::string_view rest = below;;) {
    const std::size_t slash = rest.find('/');
    if (LowerCase(rest.substr(0, slash)) == ".git") {
      return slash == std::string_view::npos || !IsGitText(rest.substr(slash + 1));
    }
    if (slash == std::string_view::npos) return false;
    rest.remove_prefix(slash + 1);
  }
}

std::string_view Below(std::string_view path, std::string_view tree) {
  if (path == tree) return {};
  return path.substr(tree == "/" ? 1 : tree.size() + 1);
}

}  // namespace

bool IsGitText(std::string_view below) { return std::find(kGitText.begin(), kGitText.end(), below) != kGitText.end(); }

std::optional<std::string> TreeOf(std::string_view path, const std::vector<std::string>& trees) {
  std::optional<std::string> innermost;
  for (const std::string& tree : trees) {
    if (IsBelow(path, tree) && (!innermost || tree.size() > innermost->size())) innermost = tree;
  }
  return innermost;
}

std::optional<Protection> ProtectionOf(std::string_view path, std::string_view tree, const ProtectedNames& names) {
  const std::string_view below = Below(path, tree);
  if (names.git_config != GitConfig::kOpen && IsGit(below)) return Protection::kGit;
  if (HoldsName(below, kAnywhere) || (names.ci_files && HoldsName(below, kCiFiles))) return Protection::kOther;
  if (names.home.empty() || !IsBelow(names.home, tree) || !IsBelow(path, names.home) || path == names.home)
    return std::nullopt;
  const std::string_view in_home = Below(path, names.home);
  const bool first = std::any_of(kInHome.begin(), kInHome.end(), [&](std::string_view name) {
    return in_home.starts_with(name) && (in_home.size() == name.size() || in_home[name.size()] == '/');
  });
  return first ? std::optional(Protection::kOther) : std::nullopt;
}

}  // namespace rune::sandbox
