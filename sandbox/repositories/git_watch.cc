#include "sandbox/repositories/git_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/base/directory.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxFile = 64 << 10;
constexpr const char* kDotGit = ".git";

bool IsDirectory(int directory, const std::string& name) {
  const Stamp stamp = StampOf(directory, name);
  return stamp.exists && S_ISDIR(stamp.mode);
}

/// is_git_directory() of git: what it takes to be a repository without a work tree.
bool IsBare(int directory) {
  return StampOf(directory, "HEAD").exists && IsDirectory(directory, "objects") && IsDirectory(directory, "refs");
}

std::string Joined(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

bool SameDirectory(int a, int b) {
  struct stat left{};
  struct stat right{};
  return ::fstat(a, &left) == 0 && ::fstat(b, &right) == 0 && left.st_dev == right.st_dev &&
         left.st_ino == right.st_ino;
}

bool StillThere(int directory) {
  struct stat info{};
  return directory >= 0 && ::fstat(directory, &info) == 0 && info.st_nlink > 0;
}

}  // namespace

void GitWatch::Add(const std::vector<std::string>& trees) {
  for (const std::string& path : trees) {
    if (std::any_of(trees_.begin(), trees_.end(), [&](const auto& tree) { return tree->path == path; })) continue;
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) continue;
    trees_.push_back(std::make_unique<Tree>(Tree{path, std::move(fd)}));
    std::size_t left = kMaxDirectories;
    Find(*trees_.back(), "", 0, left);
  }
}

void GitWatch::Find(const Tree& tree, const std::string& below, int depth, std::size_t& left) {
  if (left == 0) return;
  --left;
  const UniqueFd directory = OpenBelow(tree.fd.get(), below);
  if (!directory.valid()) return;
  const bool bare = IsBare(directory.get());
  if (bare || StampOf(directory.get(), kDotGit).exists) Remember(tree, below, directory.get());
  if (bare || depth >= kMaxDepth) return;
  for (const std::string& name : NamesIn(directory.get())) {
    if (name != kDotGit && IsDirectory(directory.get(), name)) Find(tree, Joined(below, name), depth + 1, left);
  }
}

void GitWatch::Remember(const Tree& tree, const std::string& below, int directory) {
  Place place{.tree = &tree, .below = below, .bare = IsBare(directory), .file = {}, .held = {}, .git = {}};
  place.held = OpenBelow(directory, place.bare ? "" : kDotGit);
  if (place.held.valid()) place.git = GitDirectory(place.held.get());
  if (!place.bare) place.file = ReadBelow(directory, kDotGit, kMaxFile);
  places_.push_back(std::move(place));
}

std::vector<std::string> GitWatch::Check(GitConfig rule) {
  std::vector<std::string> out;
  for (Place& place : places_) CheckPlace(place, rule, out);
  return out;
}

void GitWatch::CheckPlace(Place& place, GitConfig rule, std::vector<std::string>& out) {
  const std::string name = place.bare ? place.below : Joined(place.below, kDotGit);
  const std::string path = place.tree->path + (name.empty() ? "" : "/" + name);
  const auto look = [&](int directory) {
    for (const std::string& line : place.git.Check(directory, rule)) out.push_back(path + "/" + line);
  };
  const UniqueFd there = OpenBelow(place.tree->fd.get(), name);
  if (there.valid()) look(there.get());
  // Moved away, it still is the repository that somebody had.
  if (StillThere(place.held.get()) && !(there.valid() && SameDirectory(there.get(), place.held.get())))
    look(place.held.get());
  if (there.valid() || place.bare) return;
  const UniqueFd work_tree = OpenBelow(place.tree->fd.get(), place.below);
  const Stamp stamp = work_tree.valid() ? StampOf(work_tree.get(), kDotGit) : Stamp();
  if (!stamp.exists || (place.file && ReadBelow(work_tree.get(), kDotGit, kMaxFile) == place.file)) return;
  // A file or a link stands there now, and leads to a repository of somebody's choice.
  const struct stat like{.st_mode = S_IFREG | 0644, .st_uid = ::geteuid(), .st_gid = ::getegid()};
  const bool done =
      place.file ? PutBelow(work_tree.get(), kDotGit, *place.file, like).ok() : RemoveBelow(work_tree.get(), kDotGit);
  out.push_back(path + (done ? "" : " (could not be taken back)"));
}

void GitWatch::Accept() {
  std::vector<std::unique_ptr<Tree>> trees = std::move(trees_);
  places_.clear();
  trees_.clear();
  std::vector<std::string> paths;
  for (const auto& tree : trees) paths.push_back(tree->path);
  Add(paths);
}

std::vector<std::pair<dev_t, ino_t>> GitWatch::Files() const {
  std::vector<std::pair<dev_t, ino_t>> out;
  for (const Place& place : places_) place.git.AddFiles(out);
  return out;
}

}  // namespace rune::sandbox
