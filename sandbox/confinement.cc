#include "sandbox/confinement.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "sandbox/base/files.h"

namespace rune::sandbox {
namespace {

/// Deep enough for every file of a package; a bound against directories mounted into /etc.
constexpr int kEtcDepth = 4;

std::vector<std::string> Existing(const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  std::copy_if(paths.begin(), paths.end(), std::back_inserter(out), Exists);
  return out;
}

/// Named as a secret, whatever its mode says: a key, or a database of passwords.
bool HasSecretName(std::string_view name) {
  constexpr std::string_view kPrefixes[] = {"shadow", "gshadow", "sudoers"};
  constexpr std::string_view kSuffixes[] = {".key", ".keytab", "_key"};
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [&](auto prefix) { return name.starts_with(prefix); }) ||
         std::any_of(std::begin(kSuffixes), std::end(kSuffixes), [&](auto suffix) { return name.ends_with(suffix); });
}

/// Closes what is in `dir` and not meant for everyone: by its mode (shadow, sudoers, host keys, ssl/private, auth.conf)
/// or by its name. Closed directories may still be listed, so that /etc as a whole can be.
void CloseSecrets(const std::string& dir, int depth, FileAccess& files) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(dir.c_str()), ::closedir);
  if (!entries) return;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || entry->d_type == DT_LNK) continue;
    const std::string path = dir + "/" + std::string(name);
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0 || S_ISLNK(info.st_mode)) continue;
    if (!S_ISDIR(info.st_mode)) {
      if ((info.st_mode & S_IROTH) == 0 || HasSecretName(name)) files.denied.push_back(path);
    } else if ((info.st_mode & S_IXOTH) == 0 || depth == 0 || HasSecretName(name)) {
      files.list_only.push_back(path);
    } else {
      CloseSecrets(path, depth - 1, files);
    }
  }
}

}  // namespace

std::string_view LayerName(Layer layer) {
  switch (layer) {
    case Layer::kLimits:
      return "limits";
    case Layer::kNetwork:
      return "network";
    case Layer::kSeccomp:
      return "seccomp";
    case Layer::kLandlock:
      return "landlock";
    case Layer::kNames:
      return "names";
  }
  return "";
}

std::optional<Layer> ParseLayer(std::string_view name) {
  const auto found =
      std::find_if(kAllLayers.begin(), kAllLayers.end(), [&](Layer layer) { return LayerName(layer) == name; });
  if (found == kAllLayers.end()) return std::nullopt;
  return *found;
}

std::string_view LayerStateName(LayerState state) {
  switch (state) {
    case LayerState::kOff:
      return "off";
    case LayerState::kEnforced:
      return "enforced";
    case LayerState::kDegraded:
      return "degraded";
    case LayerState::kMissing:
      return "missing";
  }
  return "";
}

FileAccess SystemRead() {
  FileAccess files;
  files.read = Existing({"/usr", "/lib", "/lib32", "/lib64", "/libx32", "/etc",
                         // Often symbolic links to /run or /mnt, where nothing else is granted.
                         "/etc/resolv.conf", "/etc/hosts", "/etc/localtime",
                         // Other processes stay hidden: Landlock refuses what ptrace(2) would be refused.
                         "/proc",
                         // How many processors and how much memory there is: nproc, Node, Go and Java ask at start.
                         "/sys/devices/system/cpu", "/sys/fs/cgroup",
                         "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "/dev/random", "/dev/urandom"});
  // Never a terminal: /dev/tty and /dev/pts take escape sequences.
  files.write = Existing({"/dev/null", "/dev/zero", "/dev/full"});
  files.list_only = Existing(ProgramDirs());
  CloseSecrets("/etc", kEtcDepth, files);
  return files;
}

const std::vector<std::string>& ProgramDirs() {
  static const std::vector<std::string> dirs{
      "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",        "/usr/bin",         "/sbin", "/bin",
      "/usr/games",      "/usr/libexec",   "/usr/local/games", "/usr/lib/git-core"};
  return dirs;
}

}  // namespace rune::sandbox
