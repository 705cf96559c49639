#pragma once
/// Paths as text, and where they lead.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rune {

/// Lexical: absolute (against `base`), without ".", ".." and double slashes. Symbolic links stay.
std::string NormalizePath(std::string_view path, std::string_view base);
/// True when `path` is `root` or lies below it; both normalised.
bool IsBelow(std::string_view path, std::string_view root);
bool IsBelowAny(std::string_view path, const std::vector<std::string>& roots);
/// realpath(3): absolute and without symbolic links. nullopt for what is not there or cannot be reached.
std::optional<std::string> RealPath(const std::string& path);

}  // namespace rune
