// What holds a user's keys, and stays closed.

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "agent/policy/paths.h"
#include "sandbox/base/directory.h"
#include "sandbox/base/list.h"
#include "sandbox/base/paths.h"

namespace rune::agent {
namespace {

/// Where a row begins (XDG Base Directory Specification 0.8).
enum class Below : std::uint8_t { kHome, kConfig, kData };

struct Row {
  Below below;
  std::string_view path;
};

/// The table. docs/policy.md has the same.
constexpr std::array kRows = std::to_array<Row>({
    // Our own settings, with keys in them.
    {Below::kHome, ".rune"},
    // Keys for machines and repositories.
    {Below::kHome, ".ssh"},
    {Below::kHome, ".gnupg"},
    {Below::kHome, ".netrc"},
    {Below::kHome, ".git-credentials"},
    {Below::kConfig, "git/credentials"},
    {Below::kConfig, "gh"},
    {Below::kConfig, "hub"},
    {Below::kConfig, "glab-cli"},
    // Registries. A project's own ./.npmrc is none of these.
    {Below::kHome, ".npmrc"},
    {Below::kHome, ".pypirc"},
    {Below::kHome, ".docker/config.json"},
    {Below::kConfig, "containers/auth.json"},
    // Clouds, clusters, databases.
    {Below::kHome, ".aws"},
    {Below::kHome, ".azure"},
    {Below::kConfig, "gcloud"},
    {Below::kHome, ".kube"},
    {Below::kHome, ".vault-token"},
    {Below::kHome, ".pgpass"},
    {Below::kHome, ".my.cnf"},
    // Key rings and stores of passwords.
    {Below::kData, "keyrings"},
    {Below::kData, "kwalletd"},
    {Below::kHome, ".pki"},
    {Below::kHome, ".password-store"},
    // Profiles of browsers: cookies are keys.
    {Below::kHome, ".mozilla"},
    {Below::kHome, ".thunderbird"},
    {Below::kConfig, "mozilla"},
    {Below::kConfig, "google-chrome"},
    {Below::kConfig, "chromium"},
    {Below::kConfig, "BraveSoftware"},
    {Below::kConfig, "microsoft-edge"},
    {Below::kConfig, "vivaldi"},
    {Below::kConfig, "opera"},
});

bool IsFile(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

/// Everything in `directory` but the files of `opened`.
void CloseAround(const std::string& directory, const std::vector<std::string>& opened, std::vector<std::string>& out) {
  for (const std::string& name : NamesIn(directory)) {
    const std::string path = NormalizePath(name, directory);
    if (Contains(opened, path)) continue;
    const bool on_the_way =
        std::any_of(opened.begin(), opened.end(), [&](const std::string& file) { return IsBelow(file, path); });
    if (on_the_way) {
      CloseAround(path, opened, out);
    } else {
      out.push_back(path);
    }
  }
}

}  // namespace

std::vector<std::string> CredentialPaths(const UserDirectories& user) {
  std::vector<std::string> out;
  if (user.home.empty()) return out;
  // Both, where a variable moves them: what was there before the move is still there.
  const auto add = [&](const std::string& standard, const std::string& moved, std::string_view path) {
    AddOnce(out, NormalizePath(path, NormalizePath(standard, user.home)));
    if (moved.starts_with('/')) AddOnce(out, NormalizePath(path, moved));
  };
  for (const Row& row : kRows) {
    switch (row.below) {
      case Below::kHome:
        add(".", "", row.path);
        break;
      case Below::kConfig:
        add(".config", user.config, row.path);
        break;
      case Below::kData:
        add(".local/share", user.data, row.path);
        break;
    }
  }
  return out;
}

ClosedCredentials CloseCredentials(const std::vector<std::string>& paths, const std::vector<std::string>& entries,
                                   const std::vector<std::string>& writable) {
  ClosedCredentials out;
  for (const std::string& path : paths) {
    std::vector<std::string> named;
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(named),
                 [&](const std::string& entry) { return IsBelow(entry, path) && IsFile(entry); });
    // Where commands may write around it, what would be put beside the file could not be kept closed.
    const bool whole = FileName(path) == ".rune" || (!IsFile(path) && IsBelowAny(path, writable));
    if (named.empty() || whole) {
      out.denied.push_back(path);
      continue;
    }
    if (!Contains(named, path)) CloseAround(path, named, out.denied);
    for (std::string& file : named) AddOnce(out.opened, std::move(file));
  }
  return out;
}

}  // namespace rune::agent
