#pragma once
/// Paths that stay closed whatever the lists say.

#include <string>
#include <vector>

namespace rune::agent {

/// Credentials and our own settings in the user's home; empty without a home.
std::vector<std::string> CredentialPaths(const std::string& home);
/// Names inside writable trees through which a tool could later run outside the confinement (.git/hooks, .git/config,
/// .rune), as far as they exist now.
std::vector<std::string> ProtectedNames(const std::vector<std::string>& trees);

}  // namespace rune::agent
