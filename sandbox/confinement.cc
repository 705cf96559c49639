#include "sandbox/confinement.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <utility>

#include "sandbox/base/directory.h"
#include "sandbox/base/files.h"
#include "sandbox/base/list.h"
#include "sandbox/base/paths.h"
#include "sandbox/credential_text.h"

namespace rune::sandbox {
namespace {

/// Deep enough for every file of a package; a bound against directories mounted into /etc.
constexpr int kEtcDepth = 4;

/// What programs look up in /etc. Named one by one, because the rest is other people's configuration: a service's
/// password file has no place here only because somebody forgot its mode. A trailing "*" takes every name so begun.
constexpr std::string_view kEtcNames[] = {
    // Who, where, what: accounts, hosts, services, the system.
    "passwd", "group", "nsswitch.conf", "hosts", "host.conf", "hostname", "resolv.conf", "gai.conf", "networks",
    "protocols", "services", "rpc", "ethertypes", "os-release", "lsb-release", "debian_version", "issue", "localtime",
    "timezone", "locale*", "environment", "default", "login.defs", "shells", "mtab", "subuid", "subgid",
    // Loading and trusting.
    "ld.so.*", "alternatives", "ssl", "pki", "ca-certificates*", "crypto-policies", "gnutls", "xattr.conf",
    // Shells and everyday tools.
    "profile*", "bash*", "zsh*", "inputrc", "terminfo", "skel", "gitconfig", "wgetrc", "curlrc", "ssh", "magic*",
    "mime.types", "mailcap", "mke2fs.conf", "vim", "nanorc", "screenrc", "manpath.config", "dpkg", "apt", "fonts",
    "X11", "xdg", "papersize", "ImageMagick*", "ghostscript",
    // Languages.
    "perl", "python*", "pip.conf", "java*", ".java", "maven", "gradle", "npmrc", "ruby*", "gemrc", "php", "R", "lua",
    "chromium*", "openmpi", "OpenCL", "texmf"};

/// Those of them into which people write a proxy's, a registry's or a mirror's password.
constexpr std::string_view kSettings[] = {"environment", "default", "profile*", "bash*", "zsh*",
                                          "gitconfig",   "wgetrc",  "curlrc",   "apt",   "pip.conf",
                                          "npmrc",       "gemrc",   "maven",    "gradle"};
constexpr std::size_t kMostSettings = 256u << 10;  ///< Bytes of one file that are looked at.

bool IsOneOf(std::string_view name, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view known) {
    return known.ends_with('*') ? name.starts_with(known.substr(0, known.size() - 1)) : name == known;
  });
}

/// One that cannot be read by us cannot be read by a command, either.
bool FileHoldsCredential(const std::string& path) {
  const auto fd = OpenFile(path, O_RDONLY);
  if (!fd.ok()) return false;
  std::string text(kMostSettings, '\0');
  const ssize_t size = RetryOnEintr([&] { return ::pread(fd->get(), text.data(), text.size(), 0); });
  return size > 0 && HoldsCredential(std::string_view(text.data(), static_cast<std::size_t>(size)));
}

/// Denies what holds one, at `path` or below.
void CloseCredentials(const std::string& path, int depth, std::vector<std::string>& found) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return;
  if (S_ISREG(info.st_mode) && FileHoldsCredential(path)) found.push_back(path);
  if (!S_ISDIR(info.st_mode) || depth == 0) return;
  for (const std::string& name : NamesIn(path)) CloseCredentials(path + "/" + name, depth - 1, found);
}

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

bool IsSecret(const struct stat& info, std::string_view name) {
  return (info.st_mode & (S_ISDIR(info.st_mode) ? S_IXOTH : S_IROTH)) == 0 || HasSecretName(name);
}

/// Closes what is in `dir` and not meant for everyone: by its mode (ssl/private, host keys, auth.conf) or by its name.
/// Closed directories may still be listed, so that their parents can be.
void CloseSecrets(const std::string& dir, int depth, FileAccess& files) {
  for (const std::string& name : NamesIn(dir)) {
    const std::string path = dir + "/" + name;
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0 || S_ISLNK(info.st_mode)) continue;
    if (IsSecret(info, name) || (S_ISDIR(info.st_mode) && depth == 0)) {
      (S_ISDIR(info.st_mode) ? files.list_only : files.denied).push_back(path);
    } else if (S_ISDIR(info.st_mode)) {
      CloseSecrets(path, depth - 1, files);
    }
  }
}

void AddEtc(FileAccess& files, std::vector<std::string>& credentials) {
  files.list_only.emplace_back("/etc");
  for (const std::string& name : NamesIn("/etc")) {
    const std::string path = "/etc/" + name;
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) continue;
    // Denied, not just left out: a policy may grant all of /etc.
    if (S_ISREG(info.st_mode) && IsSecret(info, name)) files.denied.push_back(path);
    if (!IsOneOf(name, kEtcNames) || IsSecret(info, name)) continue;
    files.read.push_back(path);
    struct stat itself{};
    if (::lstat(path.c_str(), &itself) == 0 && S_ISDIR(itself.st_mode)) CloseSecrets(path, kEtcDepth, files);
    if (IsOneOf(name, kSettings)) CloseCredentials(path, kEtcDepth, credentials);
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

bool Requires(Enforcement enforcement, const std::vector<Layer>& required, const LayerReport& report) {
  if (enforcement != Enforcement::kRequire) return false;
  if (required.empty()) return report.state != LayerState::kOff;
  return Contains(required, report.layer);
}

FileAccess SystemRead(std::vector<std::string>* credentials) {
  FileAccess files;
  files.read = Existing({"/usr", "/lib", "/lib32", "/lib64", "/libx32",
                         // Memory, environment and files of other processes stay closed: Landlock refuses what
                         // ptrace(2) would be refused. Their command lines do not, so no secret may stand there.
                         "/proc",
                         // How many processors and how much memory there is: nproc, Node, Go and Java ask at start.
                         "/sys/devices/system/cpu", "/sys/fs/cgroup",
                         "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "/dev/random", "/dev/urandom"});
  // Never a terminal: /dev/tty and /dev/pts take escape sequences.
  files.write = Existing({"/dev/null", "/dev/zero", "/dev/full"});
  files.list_only = Existing(ProgramDirs());
  std::vector<std::string> found;
  AddEtc(files, found);
  files.denied.insert(files.denied.end(), found.begin(), found.end());
  if (credentials != nullptr) *credentials = std::move(found);
  return files;
}

void GrantMaking(const std::string& path, FileAccess& files) {
  if (Exists(path) || std::find(files.write.begin(), files.write.end(), path) == files.write.end()) return;
  std::string above = path;
  while (!Exists(above)) above = ParentOf(above);
  if (above == "/" || IsBelowAny(above, files.write)) return;
  files.write.push_back(std::move(above));
  // Denied paths keep everything from being made beside them (landlock_plan.cc). This operation makes nothing else, and
  // no command can put a link into its way: the directory is not theirs to write.
  std::erase_if(files.denied, [&](const std::string& denied) { return !IsBelow(path, denied); });
}

const std::vector<std::string>& ProgramDirs() {
  static const std::vector<std::string> dirs{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                             "/usr/bin",        "/sbin",          "/bin",
                                             "/usr/games",      "/usr/libexec",   "/usr/local/games"};
  return dirs;
}

}  // namespace rune::sandbox
