#include "sandbox/layers/mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/layers/namespaces.h"

namespace rune::sandbox {
namespace {

constexpr const char* kTmp = "/tmp";
constexpr unsigned long kExecutableTmpFlags = MS_NOSUID | MS_NODEV;
constexpr unsigned long kTmpFlags = kExecutableTmpFlags | MS_NOEXEC;

constexpr const char* kShmOptions = "mode=1777,size=64m";

struct Kept {
  std::string path;
  bool read_only = false;
};

/// Existing paths strictly below /tmp, outermost first. What lies in a kept path of the same kind comes with it.
std::vector<Kept> Select(const std::vector<std::string>& keep, const std::vector<std::string>& keep_read_only) {
  std::vector<Kept> all;
  for (const std::string& path : keep) all.push_back({NormalizePath(path, "/"), false});
  for (const std::string& path : keep_read_only) all.push_back({NormalizePath(path, "/"), true});
  std::erase_if(all,
                [](const Kept& kept) { return kept.path == kTmp || !IsBelow(kept.path, kTmp) || !Exists(kept.path); });
  std::stable_sort(all.begin(), all.end(), [](const Kept& a, const Kept& b) { return a.path < b.path; });
  std::vector<Kept> chosen;
  for (const Kept& kept : all) {
    const bool covered = std::any_of(chosen.begin(), chosen.end(), [&](const Kept& outer) {
      return IsBelow(kept.path, outer.path) && (outer.read_only == kept.read_only || outer.path == kept.path);
    });
    if (!covered) chosen.push_back(kept);
  }
  return chosen;
}

Result<void> WriteOnce(const std::string& path, const std::string& text) {
  RUNE_ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(path, O_WRONLY));
  return WriteAll(fd.get(), text);
}

/// user_namespaces(7): one id each, mapped to itself; setgroups(2) must be given up for that.
Result<void> MapOwnIds(uid_t uid, gid_t gid) {
  const auto line = [](unsigned id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; };
  RUNE_RETURN_IF_ERROR(WriteOnce("/proc/self/setgroups", "deny"));
  RUNE_RETURN_IF_ERROR(WriteOnce("/proc/self/uid_map", line(uid)));
  return WriteOnce("/proc/self/gid_map", line(gid));
}

Result<void> Unshare() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWNS) == 0) return Ok();
  // Root without CAP_SYS_ADMIN is left alone: in a namespace with one id it could not become an unused user any more.
  if (uid == 0) return Error::FromErrno("unshare the mount namespace");
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return Error::FromErrno("unshare a user namespace");
  return MapOwnIds(uid, gid);
}

Result<void> MakeMountPoint(const std::string& path, int source) {
  struct stat info{};
  if (::fstat(source, &info) != 0) return Error::FromErrno(path);
  if (S_ISDIR(info.st_mode)) return MakeDirs(path);
  RUNE_RETURN_IF_ERROR(MakeDirs(ParentOf(path)));
  const auto made = OpenFile(path, O_WRONLY | O_CREAT, 0600);
  return made.ok() ? Ok() : Result<void>(made.error());
}

/// The flags that a mount has stay: in a user namespace they are locked, and a change without them is refused.
int Remount(const char* path, unsigned long flags) {
  struct statvfs info{};
  if (::statvfs(path, &info) != 0) return -1;
  constexpr unsigned long kKept = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME | ST_NODIRATIME;
  constexpr unsigned long kRelatime = 4096;  // ST_RELATIME, which is not MS_RELATIME
  flags |= info.f_flag & kKept;
  if ((info.f_flag & kRelatime) != 0) flags |= MS_RELATIME;
  return ::mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | flags, nullptr);
}

Result<void> Bind(const Kept& kept, int source) {
  RUNE_RETURN_IF_ERROR(MakeMountPoint(kept.path, source));
  const std::string link = "/proc/self/fd/" + std::to_string(source);
  if (::mount(link.c_str(), kept.path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
    return Error::FromErrno("mount " + kept.path);
  if (kept.read_only && Remount(kept.path.c_str(), MS_RDONLY | MS_NOSUID | MS_NODEV) != 0)
    return Error::FromErrno("remount " + kept.path);
  return Ok();
}

bool MountPin(const Pin& pin) {
  const char* path = pin.path.c_str();
  if (::mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) != 0) return false;
  switch (pin.access) {
    case Pin::Access::kAsItIs:
      return true;
    case Pin::Access::kReadOnly:
      return Remount(path, MS_RDONLY) == 0;
  }
  return false;
}

/// Terminals of the run's own (devpts(5)): whoever opens one writes to nobody else's screen.
bool MountTerminals() {
  constexpr const char* kPts = "/dev/pts";
  if (!Exists("/dev/ptmx") || !Exists(kPts)) return false;
  if (::mount("devpts", kPts, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0600") != 0)
    return false;
  // Where it is a link into /dev/pts it leads to the new one already.
  struct stat info{};
  if (::lstat("/dev/ptmx", &info) == 0 && S_ISLNK(info.st_mode)) return true;
  return ::mount("/dev/pts/ptmx", "/dev/ptmx", nullptr, MS_BIND, nullptr) == 0;
}

Result<Mounts> Enter(const MountsRequest& request, const std::vector<Kept>& chosen) {
  RUNE_RETURN_IF_ERROR(Unshare());
  // Mounts made outside still arrive, and unmounting there is not held up; nothing made here leaves.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return Error::FromErrno("make mounts private");
  // Opened in the new namespace, where they are ours to bind, and before they are covered.
  std::vector<UniqueFd> sources;
  for (const Kept& kept : chosen) {
    RUNE_ASSIGN_OR_RETURN(UniqueFd source, OpenFile(kept.path, O_PATH));
    sources.push_back(std::move(source));
  }
  if (::mount(request.tmp.c_str(), kTmp, nullptr, MS_BIND, nullptr) != 0) return Error::FromErrno("mount over /tmp");
  if (Remount(kTmp, request.tmp_executable ? kExecutableTmpFlags : kTmpFlags) != 0)
    return Error::FromErrno("remount /tmp");
  for (std::size_t i = 0; i < chosen.size(); ++i) RUNE_RETURN_IF_ERROR(Bind(chosen[i], sources[i].get()));
  Mounts mounts;
  mounts.ipc = ::unshare(CLONE_NEWIPC) == 0;
  // An empty one instead of everybody's; multiprocessing and other users of sem_open(3) need it. Not every system has
  // one.
  mounts.shm = ::mount("tmpfs", "/dev/shm", "tmpfs", kTmpFlags, kShmOptions) == 0;
  mounts.terminals = MountTerminals();
  for (const Pin& pin : request.pins) {
    if (MountPin(pin)) mounts.pinned.push_back(pin.path);
  }
  return mounts;
}

/// Tries everything in a child of its own, because a namespace once entered cannot be left. The reason comes by a pipe.
/// Returns Mounts::no_pids, for that is known nowhere else.
Result<std::string> Rehearse(const MountsRequest& request, const std::vector<Kept>& chosen) {
  RUNE_ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
  const pid_t child = ::fork();
  if (child < 0) return Error::FromErrno("fork");
  if (child == 0) {
    const auto entered = Enter(request, chosen);
    const std::string said = entered.ok() ? WhyNoOwnPids() : entered.error().message;
    if (!WriteAll(pipe.write.get(), said).ok()) ::_exit(2);
    ::_exit(entered.ok() ? 0 : 1);
  }
  pipe.write.Reset();
  auto said = ReadAll(pipe.read.get(), 4096);
  int status = 0;
  if (RetryOnEintr([&] { return ::waitpid(child, &status, 0); }) != child) return Error::FromErrno("waitpid");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return said;
  return Error{ErrorKind::kUnavailable, said.ok() && !said->empty() ? *said : "the attempt ended by a signal"};
}

}  // namespace

Result<Mounts> EnterMounts(const MountsRequest& request) {
  const std::vector<Kept> chosen = Select(request.keep, request.keep_read_only);
  RUNE_ASSIGN_OR_RETURN(std::string no_pids, Rehearse(request, chosen));
  auto entered = Enter(request, chosen);
  if (!entered.ok()) return Error{ErrorKind::kUnavailable, entered.error().message};
  entered->no_pids = std::move(no_pids);
  return entered;
}

}  // namespace rune::sandbox
