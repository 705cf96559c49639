#include "sandbox/layers/identity.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

/// Between the ids of people and services (below 60000) and those of containers and DynamicUser= (from 61184 to 65519
/// and from 100000); 65534 is nobody, which other programs share.
constexpr unsigned kFirstId = 62000;
constexpr unsigned kIdCount = 1000;
constexpr int kHoldsRoot = 3;

/// The ids of column `column` of passwd(5) or group(5).
std::set<unsigned> IdsIn(const std::string& path) {
  std::set<unsigned> ids;
  const auto text = ReadFile(path);
  if (!text.ok()) return ids;
  for (const std::string_view line : Split(*text, '\n')) {
    const auto fields = Split(line, ':');
    if (fields.size() < 3) continue;
    const auto id = ParseInt(fields[2]);
    if (id && *id >= 0) ids.insert(static_cast<unsigned>(*id));
  }
  return ids;
}

/// True when user_namespaces(7) maps `id` by /proc/self/uid_map or gid_map. Without such a file every id is.
bool IsMapped(const std::string& map_text, unsigned id) {
  for (const std::string_view line : Split(map_text, '\n')) {
    std::vector<std::int64_t> numbers;
    for (const std::string_view word : Split(line, ' ')) {
      if (const auto number = ParseInt(word)) numbers.push_back(*number);
    }
    if (numbers.size() == 3 && id >= numbers[0] && id - numbers[0] < numbers[2]) return true;
  }
  return map_text.empty();
}

std::string TextOf(const std::string& path) {
  auto text = ReadFile(path);
  return text.ok() ? std::move(text).value() : "";
}

std::optional<unsigned> UnusedId() {
  const std::set<unsigned> users = IdsIn("/etc/passwd");
  const std::set<unsigned> groups = IdsIn("/etc/group");
  const std::string uid_map = TextOf("/proc/self/uid_map");
  const std::string gid_map = TextOf("/proc/self/gid_map");
  // Not the process id: containers often have the same, and the kernel counts RLIMIT_NPROC over all of them.
  unsigned start = static_cast<unsigned>(::getpid());
  if (::getrandom(&start, sizeof start, GRND_NONBLOCK) < 0) start = static_cast<unsigned>(::getpid());
  start %= kIdCount;
  for (unsigned i = 0; i < kIdCount; ++i) {
    const unsigned id = kFirstId + (start + i) % kIdCount;
    if (users.count(id) == 0 && groups.count(id) == 0 && IsMapped(uid_map, id) && IsMapped(gid_map, id)) return id;
  }
  return std::nullopt;
}

/// What an unused uid could not write, and whom it belongs to.
struct Owner {
  std::string dir;
  uid_t uid = 0;
  gid_t gid = 0;
};

std::vector<Owner> OwnersOf(const std::vector<std::string>& paths) {
  std::vector<Owner> owners;
  for (const std::string& path : paths) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || (info.st_mode & S_IWOTH) != 0) continue;
    owners.push_back({path, info.st_uid, info.st_gid});
  }
  return owners;
}

Identity Become(uid_t uid, gid_t gid, std::string why) {
  Identity identity{.uid = uid, .gid = gid, .change = true};
  identity.mechanism = "uid " + std::to_string(uid) + ", no capabilities";
  identity.why = std::move(why);
  return identity;
}

/// Whether this process may take other ids (capabilities(7)).
bool MayChangeIds() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {};
  constexpr __u32 kNeeded = (1u << CAP_SETUID) | (1u << CAP_SETGID);
  return ::syscall(SYS_capget, &header, held) == 0 && (held[0].effective & kNeeded) == kNeeded;
}

int ErrnoOf(long result) { return result < 0 ? errno : 0; }

/// EPERM means that this process may not, because it holds no such capability itself: then there is nothing to drop.
int UnlessForbidden(int err) { return err == EPERM ? 0 : err; }

/// Even uid 0 gains nothing on execve(2) any more, and none of this can be undone (capabilities(7)).
int LockSecurebits() {
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                  SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                  SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  return UnlessForbidden(ErrnoOf(::prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0)));
}

/// The system calls themselves: glibc's wrappers take a lock to change all threads of a process.
int ChangeIds(const Identity& identity) {
  // A user namespace may forbid setgroups(2) for good; its groups are then its creator's.
  if (const int err = UnlessForbidden(ErrnoOf(::syscall(SYS_setgroups, 0, nullptr)))) return err;
  if (const int err = ErrnoOf(::syscall(SYS_setresgid, identity.gid, identity.gid, identity.gid))) return err;
  return ErrnoOf(::syscall(SYS_setresuid, identity.uid, identity.uid, identity.uid));
}

int DropCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  return ErrnoOf(::syscall(SYS_capset, &header, none));
}

}  // namespace

Identity PlanIdentity(const IdentityRequest& request) {
  if (::geteuid() != 0) {
    return {.uid = ::geteuid(),
            .gid = ::getegid(),
            .change = false,
            .mechanism = "uid " + std::to_string(::geteuid()) + ", no capabilities",
            .why = ""};
  }
  if (!MayChangeIds() && request.landlock_abi >= kHoldsRoot) {
    return {.uid = 0,
            .gid = ::getegid(),
            .change = false,
            .mechanism = "uid 0, no capabilities",
            .why = "uid 0 without capabilities: there is no CAP_SETUID and CAP_SETGID here to become another"};
  }
  const std::vector<Owner> owners = OwnersOf(request.writable);
  const auto roots = std::find_if(owners.begin(), owners.end(), [](const Owner& owner) { return owner.uid == 0; });
  const auto persons = std::find_if(owners.begin(), owners.end(), [](const Owner& owner) { return owner.uid != 0; });
  const std::optional<unsigned> unused = UnusedId();
  // Uid 0 owns most of the system even without capabilities, so that Landlock must hold it, truncation included.
  if (roots != owners.end() && request.landlock_abi >= kHoldsRoot) {
    return Become(0, 0, "uid 0 without capabilities: " + roots->dir + " belongs to root");
  }
  if (persons != owners.end()) {
    return Become(persons->uid, persons->gid,
                  "uid " + std::to_string(persons->uid) + ": " + persons->dir + " belongs to it");
  }
  if (!unused) return Become(0, 0, "uid 0 without capabilities: this user namespace maps no unused uid");
  if (roots == owners.end()) return Become(*unused, *unused, "");
  return Become(*unused, *unused,
                roots->dir + " cannot be written: it belongs to root, and " +
                    (request.landlock_abi == 0 ? "there is no Landlock" : "it takes Landlock ABI 3") +
                    " to hold uid 0");
}

int DropBoundingSet() {
  for (unsigned long cap = 0; cap < 64; ++cap) {
    const int held = ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
    if (held < 0) return 0;  // past the last capability of this kernel
    if (held == 1 && ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) return UnlessForbidden(errno);
  }
  return 0;
}

int ApplyIdentity(const Identity& identity) {
  if (const int err = ErrnoOf(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))) return err;
  if (const int err = DropBoundingSet()) return err;
  // EINVAL: a kernel without ambient capabilities (before 4.3).
  if (const int err = ErrnoOf(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)); err != 0 && err != EINVAL)
    return err;
  if (const int err = LockSecurebits()) return err;
  if (identity.change) {
    if (const int err = ChangeIds(identity)) return err;
  }
  return DropCapabilities();
}

}  // namespace rune::sandbox
