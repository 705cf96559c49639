#include "sandbox/repositories/git_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sandbox/base/directory.h"
#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/repositories/git_programs.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxConfig = 1u << 20;
constexpr std::size_t kMaxHook = 1u << 20;
constexpr int kMaxModuleDepth = 6;
constexpr const char* kConfigs[] = {"config", "config.worktree"};
constexpr const char* kFixed[] = {"info/attributes", "commondir", "gitdir"};

struct stat StatOf(int directory, const std::string& name) {
  struct stat info{};
  if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) info.st_mode = S_IFREG | 0644;
  return info;
}

bool Same(const GitConfigEntry& a, const GitConfigEntry& b) { return a.Key() == b.Key() && a.value == b.value; }

bool Holds(const std::vector<GitConfigEntry>& all, const GitConfigEntry& wanted) {
  return std::any_of(all.begin(), all.end(), [&](const GitConfigEntry& entry) { return Same(entry, wanted); });
}

/// What a link leads to, if it leads to a regular file.
Stamp TargetOf(int directory, const std::string& name) {
  struct stat info{};
  if (::fstatat(directory, name.c_str(), &info, 0) != 0) return {};
  return {true, info.st_mode, info.st_dev, info.st_ino, info.st_size, info.st_ctim};
}

std::optional<std::string> ReadLinked(int directory, const std::string& name, std::size_t max) {
  const UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat info{};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  auto text = ReadAll(fd.get(), max);
  return text.ok() ? std::optional(std::move(text).value()) : std::nullopt;
}

/// `text` with the programs of `base` and no others, in its order.
std::string TakenBack(std::string text, const std::vector<GitConfigEntry>& now,
                      const std::vector<GitConfigEntry>& base) {
  std::vector<GitConfigEntry> kept;
  std::copy_if(now.begin(), now.end(), std::back_inserter(kept),
               [&](const GitConfigEntry& entry) { return Holds(base, entry); });
  // What is left in place must be how `base` begins; else all of it is written anew.
  if (kept.size() > base.size() || !std::equal(kept.begin(), kept.end(), base.begin(), Same)) kept.clear();
  for (auto entry = now.rbegin(); entry != now.rend(); ++entry) {
    if (kept.empty() || !Holds(base, *entry)) text.erase(entry->begin, entry->end - entry->begin);
  }
  for (std::size_t i = kept.size(); i < base.size(); ++i) {
    if (!text.empty() && text.back() != '\n') text += '\n';
    text += GitConfigLines(base[i]);
  }
  return text;
}

/// Puts back what `base` has, or removes what it had not. What it says of it is the outcome.
std::string PutBack(int directory, const std::string& name, const ConfigBase& base) {
  const bool done = base.text ? PutBelow(directory, name, *base.text, base.like).ok() : RemoveBelow(directory, name);
  return done ? "" : " (could not be taken back)";
}

/// Every directory of git's below `path`, which may lie several names deep (a submodule's name has slashes).
void FindInner(int directory, const std::string& path, int depth, std::vector<std::string>& out,
               std::vector<std::string>& links) {
  const UniqueFd fd = OpenBelow(directory, path);
  if (!fd.valid() || depth > kMaxModuleDepth) return;
  for (const std::string& name : NamesIn(fd.get())) {
    const Stamp stamp = StampOf(fd.get(), name);
    const std::string inner = path + "/" + name;
    if (S_ISLNK(stamp.mode)) links.push_back(inner);
    if (!stamp.exists || !S_ISDIR(stamp.mode)) continue;
    if (StampOf(fd.get(), name + "/HEAD").exists || StampOf(fd.get(), name + "/config").exists) {
      out.push_back(inner);
    } else {
      FindInner(directory, inner, depth + 1, out, links);
    }
  }
}

struct Inner {
  std::vector<std::string> directories;
  std::vector<std::string> links;  ///< Where a directory of git's would be.
};

Inner InnerOf(int directory) {
  Inner inner;
  for (const char* place : {"modules", "worktrees", "info", "objects", "refs"}) {
    const Stamp stamp = StampOf(directory, place);
    if (stamp.exists && S_ISLNK(stamp.mode)) inner.links.emplace_back(place);
  }
  for (const char* place : {"modules", "worktrees"}) {
    if (StampOf(directory, place).exists) FindInner(directory, place, 0, inner.directories, inner.links);
  }
  return inner;
}

GitDirectory::Kind KindOf(std::string_view path) {
  return path.starts_with("modules/") ? GitDirectory::Kind::kModule : GitDirectory::Kind::kRepository;
}

/// Not run: git's own examples.
bool IsSample(const std::string& name) { return name.ends_with(".sample"); }

}  // namespace

std::vector<GitConfigEntry> GitDirectory::Programs(const std::string& text) const {
  std::vector<GitConfigEntry> all = ParseGitConfig(text).value_or(std::vector<GitConfigEntry>());
  std::erase_if(all, [&](const GitConfigEntry& entry) {
    const bool own_place = kind_ == Kind::kModule && entry.section == "core" && entry.name == "worktree";
    return own_place || !RunsPrograms(entry);
  });
  return all;
}

ConfigBase GitDirectory::BaseOf(int directory, const std::string& name) const {
  ConfigBase base;
  base.stamp = StampOf(directory, name);
  base.like = StatOf(directory, name);
  base.link = LinkAt(directory, name);
  if (base.link.empty()) {
    base.text = ReadBelow(directory, name, kMaxConfig);
  } else {
    base.target = TargetOf(directory, name);
    base.text = ReadLinked(directory, name, kMaxConfig);
    base.like.st_mode = S_IFREG | 0644;
  }
  if (base.text) base.programs = Programs(*base.text);
  return base;
}

GitDirectory::GitDirectory(int directory, Kind kind) : kind_(kind) {
  for (const char* name : kConfigs) configs_[name] = BaseOf(directory, name);
  for (const char* path : kFixed) fixed_[path] = BaseOf(directory, path);
  hooks_stamp_ = StampOf(directory, "hooks");
  if (const UniqueFd hooks = OpenBelow(directory, "hooks"); hooks.valid()) {
    for (const std::string& name : NamesIn(hooks.get())) {
      if (IsSample(name)) continue;
      hooks_[name] = {StampOf(hooks.get(), name), StatOf(hooks.get(), name), ReadBelow(hooks.get(), name, kMaxHook),
                      LinkAt(hooks.get(), name)};
    }
  }
  const Inner found = InnerOf(directory);
  for (const std::string& link : found.links) links_[link] = LinkAt(directory, link);
  for (const std::string& path : found.directories) {
    if (const UniqueFd inner = OpenBelow(directory, path); inner.valid())
      inner_.emplace(path, GitDirectory(inner.get(), KindOf(path)));
  }
}

std::vector<std::string> GitDirectory::Check(int directory, GitConfig rule) {
  std::vector<std::string> out;
  CheckLinks(directory, out);
  for (const char* name : kConfigs) CheckConfig(directory, name, rule, out);
  for (const char* path : kFixed) CheckFixed(directory, path, out);
  CheckHooks(directory, out);
  CheckInner(directory, rule, out);
  return out;
}

/// A directory of git's that became a link leads to one of somebody's choice.
void GitDirectory::CheckLinks(int directory, std::vector<std::string>& out) {
  for (const std::string& link : InnerOf(directory).links) {
    const auto found = links_.find(link);
    if (found != links_.end() && found->second == LinkAt(directory, link)) continue;
    const std::size_t slash = link.rfind('/');
    const UniqueFd parent = OpenBelow(directory, slash == std::string::npos ? "" : link.substr(0, slash));
    const bool done = parent.valid() && RemoveBelow(parent.get(), std::string(FileName(link)));
    out.push_back(link + (done ? "" : " (could not be taken back)"));
  }
}

void GitDirectory::CheckConfig(int directory, const std::string& name, GitConfig rule, std::vector<std::string>& out) {
  ConfigBase& base = configs_[name];
  const Stamp stamp = StampOf(directory, name);
  const bool linked = !base.link.empty() && stamp == base.stamp;
  if (stamp == base.stamp && (!linked || TargetOf(directory, name) == base.target)) return;
  const auto text = linked ? ReadLinked(directory, name, kMaxConfig) : ReadBelow(directory, name, kMaxConfig);
  const bool whole = rule == GitConfig::kReadOnly;
  if (text && text == base.text) {
    base.stamp = stamp;
    if (linked) base.target = TargetOf(directory, name);
    return;
  }
  if (!base.text && base.stamp.exists) {
    // Too large to be known, from the beginning.
    base.stamp = stamp;
    out.push_back(name + " (could not be compared)");
    return;
  }
  // Nothing is run for what is gone; what comes back is compared with what was there.
  if (!stamp.exists && !whole) {
    base.stamp = stamp;
    base.text.reset();
    return;
  }
  const auto entries = text ? ParseGitConfig(*text) : std::nullopt;
  if (whole || !entries) {
    out.push_back(name + PutBack(directory, name, base));
    base.stamp = StampOf(directory, name);
    base.link.clear();
    return;
  }
  const std::vector<GitConfigEntry> now = Programs(*text);
  const bool same = std::equal(now.begin(), now.end(), base.programs.begin(), base.programs.end(), Same);
  if (linked && same) base.target = TargetOf(directory, name);
  if (!linked) base.like = StatOf(directory, name);
  base.text = same ? *text : TakenBack(*text, now, base.programs);
  if (!same) {
    const std::string outcome = PutBack(directory, name, base);
    base.link.clear();  // the file itself stands there now
    const std::size_t before = out.size();
    for (const GitConfigEntry& entry : now) {
      if (!Holds(base.programs, entry)) out.push_back(name + ": " + entry.Key() + outcome);
    }
    for (const GitConfigEntry& entry : base.programs) {
      if (!Holds(now, entry)) out.push_back(name + ": " + entry.Key() + " was gone" + outcome);
    }
    if (out.size() == before) out.push_back(name + ": the order of what runs programs" + outcome);
    base.programs = Programs(*base.text);
  }
  base.stamp = StampOf(directory, name);
}

void GitDirectory::CheckFixed(int directory, const std::string& path, std::vector<std::string>& out) {
  ConfigBase& base = fixed_[path];
  const std::string parent = path.find('/') == std::string::npos ? "" : ParentOf(path);
  const UniqueFd place = OpenBelow(directory, parent);
  if (!place.valid()) return;
  const std::string name(FileName(path));
  const Stamp stamp = StampOf(place.get(), name);
  if (stamp == base.stamp) return;
  base.stamp = stamp;
  if (!stamp.exists || ReadBelow(place.get(), name, kMaxConfig) == base.text) return;
  out.push_back(path + PutBack(place.get(), name, base));
  base.stamp = StampOf(place.get(), name);
}

void GitDirectory::CheckHooks(int directory, std::vector<std::string>& out) {
  const Stamp stamp = StampOf(directory, "hooks");
  const UniqueFd hooks = OpenBelow(directory, "hooks");
  if (!hooks.valid()) {
    // A link, or a file: git would follow it. What was a link before stays one.
    if (!stamp.exists || stamp == hooks_stamp_) return;
    const bool done = RemoveBelow(directory, "hooks");
    out.push_back(std::string("hooks") + (done ? "" : " (could not be taken back)"));
    hooks_stamp_ = StampOf(directory, "hooks");
    return;
  }
  for (const auto& [name, hook] : hooks_) CheckHook(hooks.get(), name, out);
  if (stamp == hooks_stamp_) return;
  for (const std::string& name : NamesIn(hooks.get())) {
    if (!IsSample(name) && !hooks_.contains(name)) CheckHook(hooks.get(), name, out);
  }
  hooks_stamp_ = StampOf(directory, "hooks");
}

void GitDirectory::CheckHook(int hooks, const std::string& name, std::vector<std::string>& out) {
  const Stamp stamp = StampOf(hooks, name);
  const auto found = hooks_.find(name);
  if (!stamp.exists || (found != hooks_.end() && stamp == found->second.stamp)) return;
  if (found == hooks_.end()) {
    const bool done = RemoveBelow(hooks, name);
    out.push_back("hooks/" + name + (done ? "" : " (could not be taken back)"));
    return;
  }
  Hook& hook = found->second;
  const bool same = stamp.mode == hook.like.st_mode && LinkAt(hooks, name) == hook.target &&
                    (hook.text ? ReadBelow(hooks, name, kMaxHook) == hook.text : !hook.target.empty());
  if (!same) {
    bool done = false;
    if (!hook.text && hook.target.empty() && S_ISREG(stamp.mode)) {
      // Too large to be known: what git cannot execute it passes over.
      done = ::fchmodat(hooks, name.c_str(), 0600, 0) == 0;
    } else if (hook.text) {
      done = PutBelow(hooks, name, *hook.text, hook.like).ok();
    } else {
      done = RemoveBelow(hooks, name) &&
             (hook.target.empty() || ::symlinkat(hook.target.c_str(), hooks, name.c_str()) == 0);
    }
    out.push_back("hooks/" + name + (done ? "" : " (could not be taken back)"));
  }
  hook.stamp = StampOf(hooks, name);
}

void GitDirectory::CheckInner(int directory, GitConfig rule, std::vector<std::string>& out) {
  for (const std::string& path : InnerOf(directory).directories) {
    const UniqueFd inner = OpenBelow(directory, path);
    if (!inner.valid()) continue;
    const auto [found, is_new] = inner_.try_emplace(path, KindOf(path));
    if (is_new && path.starts_with("worktrees/")) {
      // As `git worktree add` makes it: it lies in this very repository, and may say where its files are.
      for (const char* name : {"commondir", "gitdir"}) {
        ConfigBase made = BaseOf(inner.get(), name);
        if (std::string_view(name) == "gitdir" || made.text == "../..\n") found->second.fixed_[name] = std::move(made);
      }
    }
    for (const std::string& line : found->second.Check(inner.get(), is_new ? GitConfig::kGuarded : rule))
      out.push_back(path + "/" + line);
  }
}

std::vector<std::string> GitDirectory::Modules() const {
  std::vector<std::string> names;
  for (const auto& [path, inner] : inner_) {
    if (inner.kind_ != Kind::kModule) continue;
    names.push_back(path);
    for (const std::string& name : inner.Modules()) names.push_back(path + "/" + name);
  }
  return names;
}

void GitDirectory::AddFiles(std::vector<std::pair<dev_t, ino_t>>& out) const {
  const auto add = [&](const Stamp& stamp) {
    if (stamp.exists) out.emplace_back(stamp.device, stamp.inode);
  };
  for (const auto& [name, base] : configs_) add(base.stamp);
  for (const auto& [path, base] : fixed_) add(base.stamp);
  for (const auto& [name, hook] : hooks_) add(hook.stamp);
  for (const auto& [path, inner] : inner_) inner.AddFiles(out);
}

}  // namespace rune::sandbox
