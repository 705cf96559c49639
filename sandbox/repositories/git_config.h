#pragma once
/// The grammar of git's configuration files (git-config(1), "Syntax"), as git itself reads it. Includes are not
/// followed.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rune::sandbox {

struct GitConfigEntry {
  std::string section;                    ///< In lower case.
  std::optional<std::string> subsection;  ///< As written; in lower case where it was written [section.sub].
  std::string name;                       ///< In lower case.
  std::optional<std::string> value;       ///< Unset: the name stands alone, which means true.
  std::size_t begin = 0;                  ///< Of the name in the text ...
  std::size_t end = 0;                    ///< ... and of the line's end, its newline not included.

  /// As `git config --list` writes it: section.subsection.name.
  std::string Key() const;
};

/// In the order of the file; nothing when git would refuse the whole file ("bad config line").
std::optional<std::vector<GitConfigEntry>> ParseGitConfig(std::string_view text);

/// A line that git reads as this entry, with a section of its own before it.
std::string GitConfigLines(const GitConfigEntry& entry);

}  // namespace rune::sandbox
