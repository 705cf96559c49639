#pragma once
/// Walking a tree for the find and search operations. Runs inside the confined child.

#include <string>
#include <string_view>

namespace rune::sandbox {

struct SearchReport {
  std::string text;  ///< What to print; on failure: why, or empty when errno says it.
};

struct SearchQuery {
  std::string root;
  std::string expression;  ///< POSIX extended regular expression (regex(7)).
  std::string glob;        ///< Which files; empty: all.
  std::size_t limit = 0;   ///< Matching lines.
};

/// Paths below `root`, relative to it, that match `glob`; sorted, at most `limit`, the rest counted. `**` crosses
/// directories; a pattern without "/" matches names at any depth. `.git` is skipped, symbolic links are not followed.
bool FindFiles(const std::string& root, const std::string& glob, std::size_t limit, SearchReport& report);
bool SearchFiles(const SearchQuery& query, SearchReport& report);

/// A file name that cannot be taken for two lines: control characters become "?", as ls -q does.
std::string OneName(std::string name);
/// Has a NUL in the first 8 KiB, or is mostly not text.
bool LooksBinary(std::string_view data);
/// "src/**/*.cc" against "src/a/b.cc".
bool MatchesGlob(std::string_view pattern, std::string_view path);

}  // namespace rune::sandbox
