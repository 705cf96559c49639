#pragma once
/// Paths that stay closed whatever the lists say.

#include <string>
#include <vector>

namespace rune::agent {

/// Absolute; empty where it is not set.
struct UserDirectories {
  std::string home;
  std::string config;  ///< XDG_CONFIG_HOME
  std::string data;    ///< XDG_DATA_HOME
};

/// Credentials and our own settings of a user; empty without a home.
std::vector<std::string> CredentialPaths(const UserDirectories& user);

struct ClosedCredentials {
  std::vector<std::string> denied;
  std::vector<std::string> opened;  ///< Files that a list names.
};
/// Of `paths`, what stays closed: an entry of the user's lists that is one of them, or lies in one, and is a file opens
/// that file and nothing beside it. Not in a tree of `writable`, and never our own settings.
ClosedCredentials CloseCredentials(const std::vector<std::string>& paths, const std::vector<std::string>& entries,
                                   const std::vector<std::string>& writable);

}  // namespace rune::agent
