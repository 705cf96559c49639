#include "sandbox/guard/guard_watches.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <set>

#include "sandbox/base/directory.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/guard/found_file.h"

namespace rune::sandbox {
namespace {

/// Of one command at the same time; the kernel gives a user 128 (inotify(7), max_user_instances).
constexpr std::size_t kMost = 64;

/// The files that a descriptor watches: "inotify wd:1 ino:9e7e sdev:800013 mask:…", numbers in hexadecimal.
std::set<ino_t> WatchedIn(std::string_view info) {
  constexpr std::string_view kKey = " ino:";
  std::set<ino_t> inodes;
  for (const std::string_view line : Split(info, '\n')) {
    const std::size_t at = line.starts_with("inotify ") ? line.find(kKey) : std::string_view::npos;
    if (at == std::string_view::npos) continue;
    const std::string_view digits = line.substr(at + kKey.size());
    ino_t inode = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), inode, 16);
    inodes.insert(inode);
  }
  return inodes;
}

}  // namespace

bool GuardWatches::Handle(const SystemCall& call) {
  switch (call.number) {
#ifdef SYS_inotify_init
    case SYS_inotify_init:
      Make(call, 0);
      return true;
#endif
    case SYS_inotify_init1:
      Make(call, call.Int(0));
      return true;
    case SYS_inotify_add_watch: {
      int watch = 0;
      const int err = Add(call, watch);
      if (err != 0) {
        state_.calls.Fail(call.id, err);
      } else {
        state_.calls.Return(call.id, watch);
      }
      return true;
    }
    default:
      return false;
  }
}

void GuardWatches::Make(const SystemCall& call, int flags) {
  if ((flags & ~(IN_CLOEXEC | IN_NONBLOCK)) != 0) return state_.calls.Fail(call.id, EINVAL);
  if (all_.size() >= kMost) Collect();
  if (all_.size() >= kMost) return state_.calls.Fail(call.id, EMFILE);
  Watch made;
  made.twin.Reset(::inotify_init1((flags & IN_NONBLOCK) | IN_CLOEXEC));
  made.mark.Reset(::memfd_create("watch", MFD_CLOEXEC));
  struct stat info{};
  if (!made.twin.valid() || !made.mark.valid() || ::fstat(made.mark.get(), &info) != 0)
    return state_.calls.Fail(call.id, errno);
  made.inode = info.st_ino;
  if (::inotify_add_watch(made.twin.get(), LinkTo(made.mark.get()).c_str(), IN_DELETE_SELF) < 0)
    return state_.calls.Fail(call.id, errno);
  const int err = state_.calls.Inject(call.id, made.twin.get(), (flags & IN_CLOEXEC) != 0 ? O_CLOEXEC : 0);
  if (err != 0) return state_.calls.Fail(call.id, err);
  all_.push_back(std::move(made));
}

int GuardWatches::Add(const SystemCall& call, int& watch) {
  Tracee tracee(call.tid);
  FoundFile file;
  const bool follow = (static_cast<unsigned>(call.Int(2)) & IN_DONT_FOLLOW) == 0;
  if (const int err = FindFile(state_, tracee, call, {.path = 1, .follow = follow}, file)) return err;
  const std::string link = tracee.Link("fd/" + std::to_string(call.Int(0)));
  if (link.empty()) return EBADF;
  const Watch* const found = Find(tracee.DescriptorInfo(call.Int(0)));
  if (found == nullptr) return EINVAL;
  if (!MayRead(file.path, file.info.st_mode)) return EACCES;
  const auto mask = static_cast<std::uint32_t>(call.Int(2)) & ~std::uint32_t{IN_DONT_FOLLOW};
  // The kernel asks whether the file may be read: by the command.
  const FileUser as(state_.options.tool_uid);
  watch = ::inotify_add_watch(found->twin.get(), file.link().c_str(), mask);
  return watch < 0 ? errno : 0;
}

bool GuardWatches::MayRead(const std::string& path, mode_t mode) const {
  if (state_.options.watch_only) return true;
  const FileAccess& files = *state_.options.files;
  if (IsBelowAny(path, files.denied)) return false;
  if (!S_ISDIR(mode) && IsBelowAny(path, files.list_only)) return IsBelowAny(path, files.execute);
  return IsBelowAny(path, files.read) || IsBelowAny(path, files.execute) || IsBelowAny(path, files.write);
}

const GuardWatches::Watch* GuardWatches::Find(const std::string& info) const {
  const std::set<ino_t> watched = WatchedIn(info);
  const auto found =
      std::find_if(all_.begin(), all_.end(), [&](const Watch& watch) { return watched.contains(watch.inode); });
  return found == all_.end() ? nullptr : &*found;
}

/// Those that no process of the command has open any more.
void GuardWatches::Collect() {
  std::set<ino_t> alive;
  for (const std::string& name : NamesIn("/proc")) {
    const auto pid = ParseInt(name);
    struct stat info{};
    const std::string process = "/proc/" + name;
    if (!pid || *pid == ::getpid() || ::stat(process.c_str(), &info) != 0 || info.st_uid != state_.options.tool_uid)
      continue;
    const Tracee tracee(static_cast<pid_t>(*pid));
    for (const std::string& fd : NamesIn(process + "/fd")) {
      if (tracee.Link("fd/" + fd) != "anon_inode:inotify") continue;
      alive.merge(WatchedIn(tracee.DescriptorInfo(static_cast<int>(ParseInt(fd).value_or(-1)))));
    }
  }
  std::erase_if(all_, [&](const Watch& watch) { return !alive.contains(watch.inode); });
}

}  // namespace rune::sandbox
