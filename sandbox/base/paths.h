#pragma once
/// Paths as text, and where they lead (path_resolution(7)).

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

/// What stands behind the last slash; all of it without one.
std::string_view FileName(std::string_view path);
/// The directory that holds it, as text: "." without a slash, "/" for what lies in it. `path` does not end in a slash.
std::string ParentOf(std::string_view path);
/// "~" and "~/x" in `home`; unchanged where there is no home ("") and for every other path.
std::string ExpandHome(std::string_view path, std::string_view home);
/// getcwd(3); "/" when it cannot be told.
std::string CurrentDirectory();

}  // namespace rune
