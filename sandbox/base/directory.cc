#include "sandbox/base/directory.h"

#include <dirent.h>
#include <fcntl.h>

#include <memory>
#include <string_view>

namespace rune {
namespace {

std::vector<std::string> NamesOf(DIR* opened) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opened, ::closedir);
  if (!directory) return names;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

}  // namespace

std::vector<std::string> NamesIn(const std::string& directory) { return NamesOf(::opendir(directory.c_str())); }

std::vector<std::string> NamesIn(int directory) {
  // Its own descriptor: closedir(3) closes what it was given.
  return NamesOf(::fdopendir(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
}

}  // namespace rune
