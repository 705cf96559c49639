#include "sandbox/guardian/write_place.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr int kAlways = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

WritePlace Failed(const std::string& path, int error) { return {UniqueFd(), WriteFailure::kSystem, error, path}; }
WritePlace Protected(const std::string& path) { return {UniqueFd(), WriteFailure::kProtected, 0, path}; }

std::string LinkOf(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

std::string PathOf(int fd) {
  char path[PATH_MAX];
  const ssize_t length = ::readlink(LinkOf(fd).c_str(), path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : std::string();
}

bool IsProtected(const std::string& path, const WriteRules& rules) {
  const auto tree = TreeOf(path, rules.trees);
  return tree && ProtectionOf(path, *tree, rules.names).has_value();
}

bool Holds(int directory, const char* name, mode_t type) {
  struct stat info{};
  return ::fstatat(directory, name, &info, 0) == 0 && (info.st_mode & S_IFMT) == type;
}

/// A directory with these three is a repository to git, whatever its name; inside, nothing is written
/// (is_git_directory() of git).
constexpr const char* kMarks[] = {"HEAD", "objects", "refs"};

bool IsRepository(int directory, const std::string& made) {
  return std::all_of(std::begin(kMarks), std::end(kMarks), [&](const char* mark) {
    if (made == mark) return true;
    return Holds(directory, mark, mark == kMarks[0] ? S_IFREG : S_IFDIR);
  });
}

/// True when `path`, once made, lies in what git takes for a repository: there, or completed by `path` itself.
bool IsInRepository(const std::string& path, const WriteRules& rules) {
  const auto tree = TreeOf(path, rules.trees);
  if (!tree || rules.names.git_config == GitConfig::kOpen) return false;
  for (std::string above = ParentOf(path); IsBelow(above, *tree); above = ParentOf(above)) {
    const UniqueFd directory(::open(above.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const std::string made = path.substr(above == "/" ? 1 : above.size() + 1);
    if (directory.valid() && IsRepository(directory.get(), made.substr(0, made.find('/')))) return !IsGitText(made);
    if (above == "/") break;
  }
  return false;
}

WritePlace OpenExisting(const UniqueFd& found, const std::string& path, int flags, const WriteRules& rules) {
  struct stat info{};
  if (::fstat(found.get(), &info) != 0) return Failed(path, errno);
  const std::string real = PathOf(found.get());
  const bool linked = info.st_nlink > 1 && std::find(rules.files.begin(), rules.files.end(),
                                                     std::pair(info.st_dev, info.st_ino)) != rules.files.end();
  if (linked || IsProtected(real, rules) || IsInRepository(real, rules)) return Protected(path);
  // The very file that was looked at.
  UniqueFd fd(::open(LinkOf(found.get()).c_str(), (flags & ~O_CREAT) | kAlways));
  if (!fd.valid()) return Failed(path, errno);
  return {std::move(fd), WriteFailure::kNone, 0, path};
}

/// Makes what `rest` names below `directory`, the last of it a file.
WritePlace Make(UniqueFd directory, const std::string& path, const std::vector<std::string_view>& rest, int flags) {
  for (std::size_t i = 0; i + 1 < rest.size(); ++i) {
    const std::string name(rest[i]);
    if (::mkdirat(directory.get(), name.c_str(), 0755) != 0 && errno != EEXIST) return Failed(ParentOf(path), errno);
    UniqueFd inner(::openat(directory.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!inner.valid()) return Failed(ParentOf(path), errno);
    directory = std::move(inner);
  }
  UniqueFd fd(::openat(directory.get(), std::string(rest.back()).c_str(), flags | O_EXCL | O_NOFOLLOW | kAlways, 0644));
  if (!fd.valid()) return Failed(path, errno);
  return {std::move(fd), WriteFailure::kNone, 0, path};
}

}  // namespace

WritePlace OpenForWriting(const std::string& path, int flags, const WriteRules& rules) {
  const UniqueFd found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (found.valid()) return OpenExisting(found, path, flags, rules);
  if (errno != ENOENT || (flags & O_CREAT) == 0) return Failed(path, errno);
  // The directories that are there, link by link as the kernel walks them, and the names that are missing.
  std::vector<std::string_view> rest;
  std::string_view there = path;
  UniqueFd directory;
  while (true) {
    const std::size_t slash = there.rfind('/');
    const std::string_view name = there.substr(slash == std::string_view::npos ? 0 : slash + 1);
    if (!name.empty() && name != ".") rest.insert(rest.begin(), name);
    there = slash == std::string_view::npos ? std::string_view() : there.substr(0, slash);
    const std::string parent = slash == std::string_view::npos ? "." : there.empty() ? "/" : std::string(there);
    directory.Reset(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (directory.valid()) break;
    if (errno != ENOENT || parent == "." || parent == "/") return Failed(parent, errno);
  }
  if (rest.empty() || std::find(rest.begin(), rest.end(), "..") != rest.end()) return Failed(path, ENOENT);
  // A link that leads nowhere yet: what would be made is somewhere else.
  struct stat info{};
  if (::fstatat(directory.get(), std::string(rest.front()).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
    return Failed(path, ELOOP);
  std::string real = PathOf(directory.get());
  for (const std::string_view name : rest) real.append(real == "/" ? "" : "/").append(name);
  if (IsProtected(real, rules) || IsInRepository(real, rules)) return Protected(path);
  return Make(std::move(directory), path, rest, flags);
}

}  // namespace rune::sandbox
