#include "sandbox/run_directory.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "sandbox/base/directory.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

/// Not just "rune-": somebody's own directory may be called like that.
constexpr std::string_view kPrefix = "rune-run-";
constexpr std::size_t kNameLength = kPrefix.size() + 6;
constexpr std::size_t kEnvironmentBytes = 256 << 10;
/// The ids of identity.cc that belong to one run each.
constexpr uid_t kFirstUnusedId = 62000;
constexpr uid_t kLastUnusedId = 62999;

UniqueFd OpenDirectory(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

bool IsAbandoned(int directory, const struct stat& info, std::chrono::seconds age) {
  const uid_t self = ::geteuid();
  if ((self != 0 && info.st_uid != self) || (info.st_mode & 07777) != 0700) return false;
  if (::time(nullptr) - info.st_ctime < age.count()) return false;
  return ::flock(directory, LOCK_EX | LOCK_NB) == 0;
}

bool WasStartedWith(const std::string& process, const std::string& tmp) {
  const auto environment = ReadFile(process + "/environ", kEnvironmentBytes);
  if (!environment.ok()) return false;
  const std::string entry = "TMPDIR=" + tmp;
  for (const std::string_view line : Split(*environment, '\0')) {
    if (line == entry) return true;
  }
  return false;
}

/// Which processes share their ids: those of a container have another namespace than ours.
std::string IdsOf(const std::string& process) {
  char link[64];
  const ssize_t length = ::readlink((process + "/ns/pid").c_str(), link, sizeof link);
  return length <= 0 ? "" : std::string(link, static_cast<std::size_t>(length));
}

/// Runs take their unused ids at random, so that two may have the same one.
bool HasOtherRun(const std::string& tmp, uid_t owner) {
  const std::string parent = ParentOf(tmp);
  for (const std::string& name : NamesIn(parent)) {
    struct stat info{};
    const std::string path = parent + "/" + name;
    if (path == tmp || !name.starts_with(kPrefix) || ::lstat(path.c_str(), &info) != 0) continue;
    if (info.st_uid == owner) return true;
  }
  return false;
}

void KillProcessesOf(uid_t owner, const std::string& tmp) {
  const bool all = owner >= kFirstUnusedId && owner <= kLastUnusedId && !HasOtherRun(tmp, owner);
  const std::string ids = IdsOf("/proc/self");
  for (const std::string& name : NamesIn("/proc")) {
    const auto pid = ParseInt(name);
    if (!pid || *pid <= 1) continue;
    const std::string process = "/proc/" + name;
    struct stat info{};
    if (::stat(process.c_str(), &info) != 0 || info.st_uid != owner || IdsOf(process) != ids) continue;
    if (all || WasStartedWith(process, tmp)) ::kill(static_cast<pid_t>(*pid), SIGKILL);
  }
}

}  // namespace

Result<RunDirectory> RunDirectory::Create(const std::string& parent) {
  RUNE_ASSIGN_OR_RETURN(TempDir directory, TempDir::Create(parent, std::string(kPrefix)));
  UniqueFd lock = HoldRunDirectory(directory.path());
  return RunDirectory(std::move(directory), std::move(lock));
}

UniqueFd HoldRunDirectory(const std::string& path) {
  UniqueFd directory = OpenDirectory(path);
  if (directory.valid()) ::flock(directory.get(), LOCK_SH | LOCK_NB);
  return directory;
}

void RemoveAbandonedRuns(const std::string& parent, std::chrono::seconds age) {
  for (const std::string& name : NamesIn(parent)) {
    if (!name.starts_with(kPrefix) || name.size() != kNameLength) continue;
    const std::string path = parent + "/" + name;
    const UniqueFd directory = OpenDirectory(path);
    struct stat info{};
    if (!directory.valid() || ::fstat(directory.get(), &info) != 0 || !IsAbandoned(directory.get(), info, age)) {
      continue;
    }
    KillProcessesOf(info.st_uid, path);
    // What still cannot be removed stays for the start after this one.
    const auto removed = RemoveTree(path);
  }
}

std::string RunParent(const char* tmpdir) {
  const bool usable = ::access("/tmp", W_OK | X_OK) == 0 || tmpdir == nullptr || *tmpdir != '/';
  return usable ? "/tmp" : tmpdir;
}

}  // namespace rune::sandbox
