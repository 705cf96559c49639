#include "sandbox/repositories/git_watch.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/base/directory.h"
#include "sandbox/base/paths.h"

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

std::string PathOf(int directory) {
  char path[PATH_MAX];
  const ssize_t length = ::readlink(("/proc/self/fd/" + std::to_string(directory)).c_str(), path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : std::string();
}

/// Moves the directory behind `held`, wherever it is in its tree by now, to `name` in `directory`. True when it is
/// there.
bool MoveTo(int held, const std::string& tree, int directory, const std::string& name) {
  const std::string now = PathOf(held);
  if (!IsBelow(now, tree) || now == tree) return false;
  if (::renameat2(AT_FDCWD, now.c_str(), directory, name.c_str(), RENAME_NOREPLACE) != 0) return false;
  const UniqueFd there = OpenBelow(directory, name);
  return there.valid() && SameDirectory(there.get(), held);
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
    Find(*trees_.back());
  }
}

/// Level by level, and within one in turns from each directory above, so that a large one hides nobody else's.
void GitWatch::Find(const Tree& tree) {
  std::size_t left = kMaxDirectories;
  std::vector<std::string> level{""};
  for (int depth = 0; depth <= kMaxDepth && !level.empty(); ++depth) {
    std::vector<std::vector<std::string>> inner;
    for (const std::string& below : level) {
      const UniqueFd directory = OpenBelow(tree.fd.get(), below);
      if (!directory.valid() || left == 0) continue;
      --left;
      const bool bare = IsBare(directory.get());
      if (bare || StampOf(directory.get(), kDotGit).exists) Remember(tree, below, directory.get());
      if (bare || depth == kMaxDepth) continue;
      std::vector<std::string>& names = inner.emplace_back();
      for (const std::string& name : NamesIn(directory.get())) {
        if (names.size() < left && name != kDotGit && IsDirectory(directory.get(), name))
          names.push_back(Joined(below, name));
      }
    }
    level.clear();
    for (std::size_t turn = 0; level.size() < left; ++turn) {
      const std::size_t before = level.size();
      for (const std::vector<std::string>& names : inner) {
        if (turn < names.size()) level.push_back(names[turn]);
      }
      if (level.size() == before) break;
    }
  }
}

void GitWatch::Remember(const Tree& tree, const std::string& below, int directory) {
  Place place;
  place.tree = &tree;
  place.below = below;
  place.bare = IsBare(directory);
  place.work_tree = OpenBelow(directory, "");
  if (place.bare) {
    place.held = OpenBelow(directory, "");
  } else {
    place.link = LinkAt(directory, kDotGit);
    place.held.Reset(::openat(directory, kDotGit, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    place.file = ReadBelow(directory, kDotGit, kMaxFile);
  }
  if (place.held.valid()) place.git = GitDirectory(place.held.get(), GitDirectory::Kind::kRepository);
  places_.push_back(std::move(place));
}

std::vector<FixedPlace> GitWatch::Fixed(GitConfig rule) const {
  std::vector<FixedPlace> all;
  std::size_t left = kMaxFixed;
  for (const Place& place : places_) {
    // Where it is a link or a file, the directory that it names is somewhere else, or a place of its own.
    if (!place.held.valid() || !place.link.empty() || place.file || left == 0) continue;
    --left;
    const std::string work_tree = Joined(place.tree->path, place.below);
    const std::string git = place.bare ? work_tree : work_tree + "/" + kDotGit;
    // A bare one may be the tree itself, which is fixed by its own parent.
    if (!place.bare || !place.below.empty()) all.push_back({git, false});
    for (const char* name : {"hooks", "commondir", "gitdir", "info/attributes"})
      all.push_back({git + "/" + name, true});
    for (const std::string& name : place.git.Modules()) all.push_back({git + "/" + name + "/hooks", true});
    if (rule != GitConfig::kReadOnly) continue;
    for (const char* name : {"config", "config.worktree"}) all.push_back({git + "/" + name, true});
  }
  return all;
}

std::vector<std::string> GitWatch::Check(GitConfig rule) {
  std::vector<std::string> out;
  for (Place& place : places_) {
    PutWorkTreeBack(place, out);
    if (!place.bare) PutDotGitBack(place, out);
    CheckPlace(place, rule, out);
    if (!place.bare) CheckAbove(place, out);
  }
  return out;
}

/// A link in the way leads to a work tree of somebody's choice.
void GitWatch::PutWorkTreeBack(Place& place, std::vector<std::string>& out) {
  std::string_view rest = place.below;
  UniqueFd at = OpenBelow(place.tree->fd.get(), "");
  while (at.valid() && !rest.empty()) {
    const std::string name(rest.substr(0, rest.find('/')));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    const Stamp stamp = StampOf(at.get(), name);
    if (stamp.exists && S_ISLNK(stamp.mode)) {
      const std::string path = PathOf(at.get()) + "/" + name;
      bool done = RemoveBelow(at.get(), name);
      // Back to where it was, if that was the one.
      if (done && rest.empty()) done = MoveTo(place.work_tree.get(), place.tree->path, at.get(), name);
      out.push_back(path + (done ? "" : " (could not be taken back)"));
    }
    at = OpenBelow(at.get(), name);
  }
}

void GitWatch::PutDotGitBack(Place& place, std::vector<std::string>& out) {
  const UniqueFd work_tree = OpenBelow(place.tree->fd.get(), place.below);
  if (!work_tree.valid()) return;
  const Stamp stamp = StampOf(work_tree.get(), kDotGit);
  if (stamp.exists && S_ISDIR(stamp.mode)) return;
  bool done = true;
  if (!stamp.exists) {
    // Without it git would look further up. Removed altogether, there is nothing to put back.
    if (place.file || !place.link.empty() || !StillThere(place.held.get())) return;
    done = MoveTo(place.held.get(), place.tree->path, work_tree.get(), kDotGit);
  } else {
    if (place.file && ReadBelow(work_tree.get(), kDotGit, kMaxFile) == place.file) return;
    if (!place.link.empty() && LinkAt(work_tree.get(), kDotGit) == place.link) return;
    // A file or a link that leads to a repository of somebody's choice.
    struct stat like{};
    like.st_mode = S_IFREG | 0644, like.st_uid = ::geteuid(), like.st_gid = ::getegid();
    done =
        place.file ? PutBelow(work_tree.get(), kDotGit, *place.file, like).ok() : RemoveBelow(work_tree.get(), kDotGit);
    if (done && !place.link.empty()) done = ::symlinkat(place.link.c_str(), work_tree.get(), kDotGit) == 0;
    if (done && !place.file && place.link.empty() && StillThere(place.held.get()))
      done = MoveTo(place.held.get(), place.tree->path, work_tree.get(), kDotGit);
  }
  out.push_back(PathOf(work_tree.get()) + "/" + kDotGit + (done ? "" : " (could not be taken back)"));
}

void GitWatch::CheckPlace(Place& place, GitConfig rule, std::vector<std::string>& out) {
  const std::string name = place.bare ? place.below : Joined(place.below, kDotGit);
  const std::string path = place.tree->path + (name.empty() ? "" : "/" + name);
  const auto look = [&](int directory) {
    for (const std::string& line : place.git.Check(directory, rule)) out.push_back(path + "/" + line);
  };
  const UniqueFd there = OpenBelow(place.tree->fd.get(), name);
  if (there.valid()) look(there.get());
  // Moved away, or reached by a link, it still is the repository that somebody had.
  if (StillThere(place.held.get()) && !(there.valid() && SameDirectory(there.get(), place.held.get())))
    look(place.held.get());
}

/// Git passes over a directory that is no repository any more, and goes up: what it finds there was made by a command.
void GitWatch::CheckAbove(const Place& place, std::vector<std::string>& out) const {
  if (place.file || !place.link.empty()) return;
  const UniqueFd there = OpenBelow(place.tree->fd.get(), Joined(place.below, kDotGit));
  if (there.valid() && IsBare(there.get())) return;
  std::string below = place.below;
  while (true) {
    const bool known = std::any_of(places_.begin(), places_.end(), [&](const Place& other) {
      return &other != &place && other.tree == place.tree && other.below == below;
    });
    if (known) return;
    const UniqueFd directory = OpenBelow(place.tree->fd.get(), below);
    const std::string path = place.tree->path + (below.empty() ? "" : "/" + below);
    if (directory.valid()) {
      const Stamp dot_git = StampOf(directory.get(), kDotGit);
      const bool bare = IsBare(directory.get());
      if (dot_git.exists && !S_ISDIR(dot_git.mode)) {
        const bool done = RemoveBelow(directory.get(), kDotGit);
        out.push_back(path + "/" + kDotGit + (done ? "" : " (could not be taken back)"));
      }
      const UniqueFd made = OpenBelow(directory.get(), bare ? "" : kDotGit);
      if (made.valid()) {
        for (const std::string& line : GitDirectory().Check(made.get(), GitConfig::kGuarded))
          out.push_back(path + "/" + line);
      }
    }
    if (below.empty()) return;
    const std::size_t slash = below.rfind('/');
    below.resize(slash == std::string::npos ? 0 : slash);
  }
}

void GitWatch::Accept() {
  std::vector<Place> places = std::move(places_);
  places_.clear();
  for (const Place& place : places) {
    const UniqueFd directory = OpenBelow(place.tree->fd.get(), place.below);
    if (directory.valid()) Remember(*place.tree, place.below, directory.get());
  }
}

std::vector<std::pair<dev_t, ino_t>> GitWatch::Files() const {
  std::vector<std::pair<dev_t, ino_t>> out;
  for (const Place& place : places_) place.git.AddFiles(out);
  return out;
}

}  // namespace rune::sandbox
