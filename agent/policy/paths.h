#pragma once
/// Paths that stay closed whatever the lists say.

#include <string>
#include <vector>

namespace rune::agent {

/// Credentials and our own settings in the user's home; empty without a home.
std::vector<std::string> CredentialPaths(const std::string& home);

}  // namespace rune::agent
