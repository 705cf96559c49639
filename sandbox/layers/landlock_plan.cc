#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string_view>

#include "sandbox/base/paths.h"
#include "sandbox/layers/kernel_abi.h"
#include "sandbox/layers/landlock.h"

namespace rune::sandbox {
namespace {

using namespace kernel;

constexpr std::uint64_t kRead = kFsReadFile | kFsReadDir;
constexpr std::uint64_t kExecute = kRead | kFsExecute;
/// Not kFsExecute, and no device nodes.
constexpr std::uint64_t kWrite = kRead | kFsWriteFile | kFsTruncate | kFsRefer | kFsRemoveDir | kFsRemoveFile |
                                 kFsMakeDir | kFsMakeReg | kFsMakeSock | kFsMakeFifo | kFsMakeSymlink;

bool IsStrictlyBelow(std::string_view path, std::string_view root) { return path != root && IsBelow(path, root); }

mode_t TypeOf(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & S_IFMT : 0;
}

std::vector<std::string> Resolved(const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    if (auto real = RealPath(path)) out.push_back(*std::move(real));
  }
  return out;
}

/// Where `path` would come to lie if it were made now.
std::string PlaceOf(const std::string& path) {
  if (auto real = RealPath(path)) return *std::move(real);
  const std::string plain = NormalizePath(path, "/");
  return plain == "/" ? plain : NormalizePath(FileName(plain), PlaceOf(ParentOf(plain)));
}

std::vector<std::string> Places(const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  std::transform(paths.begin(), paths.end(), std::back_inserter(out), PlaceOf);
  return out;
}

struct Writable {
  std::string name;  ///< As it was written.
  std::string real;
};

/// True when `name` leads by way of a symbolic link out of a tree in which a confined command could have made that
/// link.
bool IsPlanted(const std::vector<Writable>& writable, const std::string& name, const std::string& real) {
  return std::any_of(writable.begin(), writable.end(), [&](const Writable& tree) {
    return (IsStrictlyBelow(name, tree.name) || IsStrictlyBelow(name, tree.real)) && !IsBelow(real, tree.real);
  });
}

/// Grants trees minus their exceptions. Everything is a resolved path.
class Planner {
 public:
  Planner(const FileAccess& files, int abi)
      : handled_(HandledFileRights(abi)), listed_(files.list_only.begin(), files.list_only.end()) {
    for (const std::string& path : files.denied) (TypeOf(path) == 0 ? absent_ : denied_).insert(path);
    for (const std::string& path : files.read) GrantTree(path, kRead);
    for (const std::string& path : files.execute) GrantTree(path, kExecute);
    for (const std::string& path : files.write) GrantTree(path, kWrite);
    for (const std::string& path : listed_) GrantTree(path, kFsReadDir);
  }

  std::vector<LandlockRule> Rules() const {
    std::vector<LandlockRule> rules;
    for (const auto& [path, rights] : rules_) rules.push_back({path, rights});
    return rules;
  }

 private:
  /// True when one of `exceptions` lies strictly below `path`.
  static bool HasBelow(const std::set<std::string>& exceptions, const std::string& path) {
    const std::string prefix = path == "/" ? path : path + "/";
    const auto next = exceptions.upper_bound(prefix);
    return next != exceptions.end() && next->starts_with(prefix);
  }

  bool IsDenied(const std::string& path) const {
    return std::any_of(denied_.begin(), denied_.end(),
                       [&](const std::string& denied) { return IsBelow(path, denied); });
  }

  /// Listing a tree shows nothing of a file in it, but it would show what is in a denied directory.
  bool HasDeniedDirectoryBelow(const std::string& path) const {
    return std::any_of(denied_.begin(), denied_.end(), [&](const std::string& denied) {
      return IsStrictlyBelow(denied, path) && TypeOf(denied) == S_IFDIR;
    });
  }

  void GrantTree(const std::string& path, std::uint64_t rights) {
    if (IsDenied(path)) return;
    // A tree that may only be listed has no other right to lose to the ones inside it.
    const bool narrowed = rights != kFsReadDir && HasBelow(listed_, path);
    // What is denied and not there yet must not be made, nor a directory above it replaced.
    const bool makes = (rights & kFsMakeReg) != 0 && HasBelow(absent_, path);
    if (!narrowed && !makes && !HasBelow(denied_, path)) return AddRule(path, rights);
    if (!HasDeniedDirectoryBelow(path)) {
      AddRule(path, rights & kFsReadDir);
      if (rights == kFsReadDir) return;  // it says nothing about a denied file
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
    if (!dir) return;
    while (const dirent* entry = ::readdir(dir.get())) {
      const std::string_view name = entry->d_name;
      // A symbolic link needs no right of its own; a rule on it would be one on its target.
      if (name == "." || name == ".." || entry->d_type == DT_LNK) continue;
      const std::string child = (path == "/" ? "" : path) + "/" + std::string(name);
      if (listed_.count(child) == 0 || rights == kFsReadDir) GrantTree(child, rights);
    }
  }

  void AddRule(const std::string& path, std::uint64_t rights) {
    const mode_t type = TypeOf(path);
    if (type == 0 || type == S_IFLNK) return;
    // A terminal that cannot be asked whether it is one is none.
    const bool devices = type == S_IFCHR || path == "/dev/pts";
    if (devices && (rights & kFsWriteFile) != 0) rights |= kFsIoctlDev;
    if (type != S_IFDIR) rights &= kFsFileRights;
    rights &= handled_;
    if (rights != 0) rules_[path] |= rights;
  }

  std::uint64_t handled_;
  std::set<std::string> denied_;
  std::set<std::string> absent_;  ///< Denied, and not there.
  std::set<std::string> listed_;
  std::map<std::string, std::uint64_t> rules_;
};

}  // namespace

std::uint64_t HandledFileRights(int abi) {
  std::uint64_t rights = kFsRefer - 1;
  if (abi >= 2) rights |= kFsRefer;
  if (abi >= 3) rights |= kFsTruncate;
  if (abi >= 5) rights |= kFsIoctlDev;
  return rights;
}

FileAccess ResolveAccess(const FileAccess& files) {
  std::vector<Writable> writable;
  for (const std::string& path : files.write) {
    if (auto real = RealPath(path)) writable.push_back({NormalizePath(path, "/"), *std::move(real)});
  }
  const auto grants = [&](const std::vector<std::string>& paths) {
    std::vector<std::string> out;
    for (const std::string& path : paths) {
      auto real = RealPath(path);
      if (real && !IsPlanted(writable, NormalizePath(path, "/"), *real)) out.push_back(*std::move(real));
    }
    return out;
  };
  return {.read = grants(files.read),
          .execute = grants(files.execute),
          .write = grants(files.write),
          .list_only = Resolved(files.list_only),
          .denied = Places(files.denied),
          .execute_later = Places(files.execute_later)};
}

std::vector<LandlockRule> PlanLandlock(const FileAccess& files, int abi) {
  return Planner(ResolveAccess(files), abi).Rules();
}

}  // namespace rune::sandbox
