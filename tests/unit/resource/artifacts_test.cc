#include "resource/artifacts.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <set>

#include "sandbox/base/files.h"

namespace rune::resource {
namespace {

std::set<std::string> EntriesOf(const std::string& path) {
  std::set<std::string> names;
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory)) names.insert(entry->d_name);
  ::closedir(directory);
  names.erase(".");
  names.erase("..");
  return names;
}

TEST(WriteArtifacts, WritesAllOfThemReadableForEverybody) {
  const auto directory = TempDir::Create("/tmp", "rune-get-");
  const std::string path = directory->path() + "/new/dir";
  ASSERT_TRUE(WriteArtifacts(path, {{"response.txt", "a"}, {"payload.json", "{}"}}).ok());
  EXPECT_EQ(EntriesOf(path), (std::set<std::string>{"response.txt", "payload.json"}));
  EXPECT_EQ(*ReadFile(path + "/response.txt"), "a");
  struct stat status{};
  ASSERT_EQ(::stat((path + "/response.txt").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0444u, 0444u);
}

TEST(WriteArtifacts, WritesNothingWhenOneCannotBeWritten) {
  const auto directory = TempDir::Create("/tmp", "rune-get-");
  // A directory in the place of the second file: the first has been renamed already when this is found out.
  ASSERT_TRUE(MakeDirs(directory->path() + "/payload.json/x").ok());
  EXPECT_FALSE(WriteArtifacts(directory->path(), {{"response.txt", "a"}, {"payload.json", "{}"}}).ok());
  EXPECT_EQ(EntriesOf(directory->path()), std::set<std::string>{"payload.json"});
}

TEST(WriteArtifacts, NamesThePlaceThatCannotBeWritten) {
  const auto failed = WriteArtifacts("/proc/nowhere", {{"response.txt", "a"}});
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message.find("/proc/nowhere"), std::string::npos);
}

}  // namespace
}  // namespace rune::resource
