#pragma once
/// What is in a directory (readdir(3)).

#include <string>
#include <vector>

namespace rune {

/// Every name in it but "." and "..", in the order of the file system; none when it cannot be read.
std::vector<std::string> NamesIn(const std::string& directory);
/// The same of an open directory, O_PATH included; `directory` is borrowed, and its position stays.
std::vector<std::string> NamesIn(int directory);

}  // namespace rune
