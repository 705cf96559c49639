#include "sandbox/guardian/disk_use.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "sandbox/base/directory.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"
#include "sandbox/process_list.h"

namespace rune::sandbox {
namespace {

constexpr int kOpenDirectories = 40;
constexpr unsigned kSecondsToCount = 20;
constexpr std::uint64_t kBlock = 512;  // of st_blocks, whatever the file system's are

std::uint64_t FreeBytes(int fd) {
  struct statfs info{};
  return ::fstatfs(fd, &info) == 0 ? static_cast<std::uint64_t>(info.f_bfree) * static_cast<std::uint64_t>(info.f_bsize)
                                   : 0;
}

// Of the counting process, which counts once: nftw(3) hands nothing on to its function.
std::uint64_t counted = 0;
std::uint64_t count_limit = 0;
std::time_t count_since = 0;

[[noreturn]] void Answer(bool over) { ::_exit(over ? DiskUse::kOver : 0); }

void Add(std::uint64_t bytes) {
  counted += bytes;
  if (counted > count_limit) Answer(true);
}

/// A file with several names in these places is met once by each.
int Visit(const char*, const struct stat* info, int type, FTW*) {
  if (type == FTW_NS || info->st_ctime < count_since) return 0;
  if (type == FTW_DNR) Answer(true);  // closed while the run went on: it holds what it holds
  if (type == FTW_F || type == FTW_D) {
    const std::uint64_t names = type == FTW_F ? std::max<std::uint64_t>(info->st_nlink, 1) : 1;
    Add(static_cast<std::uint64_t>(info->st_blocks) * kBlock / names);
  }
  return 0;
}

/// Lines of proc_pid_maps(5) of files that have no name any more: their length, for the size is not to be had.
void AddMapped(const std::string& process) {
  const auto maps = ReadFile(process + "/maps", 16 << 20);
  if (!maps.ok()) return;
  for (const std::string_view line : Split(*maps, '\n')) {
    const std::size_t path = line.find('/');
    if (!line.ends_with(" (deleted)") || path == std::string_view::npos) continue;
    const std::string_view name = line.substr(path);
    if (name.starts_with("/memfd:") || name.starts_with("/dev/zero") || name.starts_with("/SYSV")) continue;
    unsigned long long first = 0;
    unsigned long long last = 0;
    if (std::sscanf(std::string(line).c_str(), "%llx-%llx", &first, &last) == 2 && last > first) Add(last - first);
  }
}

void AddNameless(pid_t guardian, const std::set<dev_t>& devices) {
  std::set<std::pair<dev_t, ino_t>> seen;
  std::vector<pid_t> tree = Tree(ListProcesses(), guardian);
  for (const pid_t pid : tree) {
    if (pid == guardian || pid == ::getpid()) continue;
    const std::string process = "/proc/" + std::to_string(pid);
    const UniqueFd fds(::open((process + "/fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fds.valid()) {
      if (errno == EACCES || errno == EPERM) Answer(true);  // it hides them
      continue;
    }
    for (const std::string& name : NamesIn(fds.get())) {
      struct stat info{};
      if (::fstatat(fds.get(), name.c_str(), &info, 0) != 0 || info.st_nlink > 0 || !S_ISREG(info.st_mode)) continue;
      if (!devices.contains(info.st_dev) || !seen.emplace(info.st_dev, info.st_ino).second) continue;
      Add(static_cast<std::uint64_t>(info.st_blocks) * kBlock);
    }
    AddMapped(process);
  }
}

}  // namespace

DiskUse::DiskUse(std::uint64_t limit) : limit_(limit), since_(std::time(nullptr) - 1) {}

void DiskUse::Watch(const std::vector<std::string>& places) {
  if (!limited()) return;
  for (const std::string& path : places) {
    Place place{.fd = UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC))};
    struct stat info{};
    if (!place.fd.valid() || ::fstat(place.fd.get(), &info) != 0) continue;
    if (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode)) continue;
    place.device = info.st_dev;
    place.inode = info.st_ino;
    if (std::any_of(places_.begin(), places_.end(),
                    [&](const Place& other) { return other.device == place.device && other.inode == place.inode; })) {
      continue;
    }
    if (std::none_of(file_systems_.begin(), file_systems_.end(),
                     [&](const FileSystem& other) { return other.device == place.device; })) {
      file_systems_.push_back({place.device, place.fd.get(), FreeBytes(place.fd.get())});
    }
    places_.push_back(std::move(place));
  }
}

bool DiskUse::Suspicious() {
  bool any = false;
  for (FileSystem& file_system : file_systems_) {
    const std::uint64_t free = FreeBytes(file_system.fd);
    file_system.free = std::max(file_system.free, free);
    any = any || file_system.free - free > limit_;
  }
  return any;
}

pid_t DiskUse::StartCount() const {
  const pid_t guardian = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  counted = 0;
  count_limit = limit_;
  count_since = since_;
  ::setpriority(PRIO_PROCESS, 0, 10);
  ::signal(SIGALRM, [](int) { Answer(false); });  // not over yet, so far
  ::alarm(kSecondsToCount);
  std::set<dev_t> devices;
  for (const Place& place : places_) devices.insert(place.device);
  AddNameless(guardian, devices);
  for (const Place& place : places_) {
    struct stat info{};
    if (::fstat(place.fd.get(), &info) != 0) continue;
    if (S_ISREG(info.st_mode)) {
      if (info.st_ctime >= count_since) Add(static_cast<std::uint64_t>(info.st_blocks) * kBlock);
    } else if (::fchdir(place.fd.get()) == 0) {
      ::nftw(".", Visit, kOpenDirectories, FTW_PHYS | FTW_MOUNT | FTW_CHDIR);
    }
  }
  Answer(false);
}

void DiskUse::Counted() {
  for (FileSystem& file_system : file_systems_) {
    const std::uint64_t free = FreeBytes(file_system.fd);
    if (file_system.free - std::min(free, file_system.free) > limit_) file_system.free = free + limit_;
  }
}

}  // namespace rune::sandbox
