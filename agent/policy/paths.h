#pragma once
/// Paths that stay closed whatever the lists say.

#include <string>
#include <vector>

namespace rune::agent {

/// Credentials and our own settings in the user's home; empty without a home.
std::vector<std::string> CredentialPaths(const std::string& home);
/// Names inside writable trees through which a tool could later run outside the confinement (.git/hooks, .git/config,
/// .rune), whether they exist or not. For the check of the file tools only: a kernel rule that spared them would close
/// their whole directory to new entries, and with it every checkout.
std::vector<std::string> ProtectedNames(const std::vector<std::string>& trees);

}  // namespace rune::agent
