#include "sandbox/guard/guard_metadata.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include <array>
#include <cerrno>

#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxAttribute = 64 << 10;  // XATTR_SIZE_MAX

int ErrnoOf(long result) { return result < 0 ? errno : 0; }

}  // namespace

std::optional<GuardMetadata::Change> GuardMetadata::ChangeOf(const SystemCall& call) {
  using enum Change::Kind;
  const auto follows = [&](std::size_t flags) { return (call.Int(flags) & AT_SYMLINK_NOFOLLOW) == 0; };
  const auto empty = [&](std::size_t flags) { return (call.Int(flags) & AT_EMPTY_PATH) != 0; };
  switch (call.number) {
#ifdef SYS_chmod
    case SYS_chmod:
      return Change{kMode, {.path = 0}, 1};
    case SYS_chown:
      return Change{kOwner, {.path = 0}, 1};
    case SYS_lchown:
      return Change{kOwner, {.path = 0, .follow = false}, 1};
    case SYS_utime:
      return Change{kTimes, {.path = 0}, 1, 2};
    case SYS_utimes:
      return Change{kTimes, {.path = 0}, 1, 1};
    case SYS_futimesat:
      return Change{kTimes, {.path = call.arguments[1] == 0 ? -1 : 1, .directory = 0}, 2, 1};
#endif
    case SYS_truncate:
      return Change{kSize, {.path = 0}, 1};
    case SYS_fchmod:
      return Change{kMode, {.directory = 0}, 1};
    case SYS_fchmodat:
      return Change{kMode, {.path = 1, .directory = 0}, 2};
    case 452:  // fchmodat2, newer than the headers
      return Change{kMode, {.path = 1, .directory = 0, .follow = follows(3), .empty = empty(3)}, 2};
    case SYS_fchown:
      return Change{kOwner, {.directory = 0}, 1};
    case SYS_fchownat:
      return Change{kOwner, {.path = 1, .directory = 0, .follow = follows(4), .empty = empty(4)}, 2};
    case SYS_utimensat:
      return Change{kTimes,
                    {.path = call.arguments[1] == 0 ? -1 : 1, .directory = 0, .follow = follows(3), .empty = empty(3)},
                    2};
    case SYS_setxattr:
      return Change{kSetAttribute, {.path = 0}, 1};
    case SYS_lsetxattr:
      return Change{kSetAttribute, {.path = 0, .follow = false}, 1};
    case SYS_fsetxattr:
      return Change{kSetAttribute, {.directory = 0}, 1};
    case SYS_removexattr:
      return Change{kRemoveAttribute, {.path = 0}, 1};
    case SYS_lremovexattr:
      return Change{kRemoveAttribute, {.path = 0, .follow = false}, 1};
    case SYS_fremovexattr:
      return Change{kRemoveAttribute, {.directory = 0}, 1};
    default:
      return std::nullopt;
  }
}

bool GuardMetadata::Handle(const SystemCall& call) {
  const std::optional<Change> change = ChangeOf(call);
  if (!change) return false;
  Tracee tracee(call.tid);
  FoundFile file;
  int err = FindFile(state_, tracee, call, change->subject, file);
  if (err == 0) err = Check(*change, file);
  if (err == EACCES) {
    const bool writes = change->kind == Change::Kind::kSize;
    state_.notes.Add({.by = DeniedBy::kLandlock,
                      .what = writes ? DeniedAct::kWrite : DeniedAct::kMetadata,
                      .target = file.path,
                      .remedy = WayOpen(file)});
  }
  if (err == 0) err = Perform(tracee, call, *change, file);
  state_.Answer(call, err);
  return true;
}

/// EACCES: outside. EPERM: as the kernel says of a file that belongs to somebody else.
int GuardMetadata::Check(const Change& change, const FoundFile& file) const {
  if (S_ISCHR(file.info.st_mode) || S_ISBLK(file.info.st_mode)) return EACCES;
  if (!state_.options.trees->Contains(file.place.get())) return EACCES;
  if (change.kind == Change::Kind::kSize) return 0;  // the file's own mode says who may write it
  return file.info.st_uid == state_.options.tool_uid ? 0 : EPERM;
}

/// To make a file of its own writable is all that helps a command here.
Remedy GuardMetadata::WayOpen(const FoundFile& file) const {
  const bool device = S_ISCHR(file.info.st_mode) || S_ISBLK(file.info.st_mode);
  const bool own = file.place.valid() && !device && file.info.st_uid == state_.options.tool_uid;
  if (!own || IsBelowAny(file.path, state_.options.files->denied)) return {};
  return RemedyOf(Grant::kWrite, file.path);
}

int GuardMetadata::Perform(Tracee& tracee, const SystemCall& call, const Change& change, const FoundFile& file) const {
  const auto value = static_cast<std::size_t>(change.value);
  switch (change.kind) {
    case Change::Kind::kMode:
      return SetMode(static_cast<mode_t>(call.Int(value)), file);
    case Change::Kind::kOwner:
      return SetOwner(static_cast<uid_t>(call.Int(value)), static_cast<gid_t>(call.Int(value + 1)), file);
    case Change::Kind::kTimes:
      return SetTimes(tracee, call, change, file);
    case Change::Kind::kSetAttribute:
    case Change::Kind::kRemoveAttribute:
      return SetAttribute(tracee, call, change, file);
    case Change::Kind::kSize:
      return SetSize(call, static_cast<std::int64_t>(call.arguments[value]), file);
  }
  return EPERM;
}

/// A directory may hand its group on to what is made in it; nothing else may run as somebody.
int GuardMetadata::SetMode(mode_t mode, const FoundFile& file) const {
  if (S_ISLNK(file.info.st_mode)) return EOPNOTSUPP;
  const mode_t forbidden = S_ISDIR(file.info.st_mode) ? S_ISUID : S_ISUID | S_ISGID;
  if ((mode & forbidden) != 0) return EPERM;
  return ErrnoOf(::chmod(file.link().c_str(), mode & 07777));
}

/// Without a capability a file can only be given to whom it has already.
int GuardMetadata::SetOwner(uid_t owner, gid_t group, const FoundFile& file) const {
  const bool same_owner = owner == static_cast<uid_t>(-1) || owner == file.info.st_uid;
  const bool same_group = group == static_cast<gid_t>(-1) || group == file.info.st_gid;
  return same_owner && same_group ? 0 : EPERM;
}

int GuardMetadata::SetTimes(Tracee& tracee, const SystemCall& call, const Change& change, const FoundFile& file) const {
  const std::uint64_t address = call.arguments[static_cast<std::size_t>(change.value)];
  std::array<timespec, 2> times{};
  const auto read = [&](auto& into) {
    return tracee.Read(address, std::span(reinterpret_cast<char*>(&into), sizeof into));
  };
  int err = 0;
  if (address != 0 && change.seconds == 0) {
    err = read(times);
  } else if (address != 0 && change.seconds == 1) {
    std::array<timeval, 2> fine{};
    err = read(fine);
    for (std::size_t i = 0; i < 2; ++i) times[i] = {fine[i].tv_sec, fine[i].tv_usec * 1000};
  } else if (address != 0) {
    utimbuf coarse{};
    err = read(coarse);
    times = {{{coarse.actime, 0}, {coarse.modtime, 0}}};
  }
  if (err != 0) return err;
  const timespec* const given = address == 0 ? nullptr : times.data();
  // A link itself can only be named by its hold.
  if (S_ISLNK(file.info.st_mode)) return ErrnoOf(::utimensat(file.place.get(), "", given, AT_EMPTY_PATH));
  return ErrnoOf(::utimensat(AT_FDCWD, file.link().c_str(), given, 0));
}

int GuardMetadata::SetAttribute(Tracee& tracee, const SystemCall& call, const Change& change,
                                const FoundFile& file) const {
  std::string name;
  if (const int err = tracee.ReadString(call.arguments[1], XATTR_NAME_MAX + 1, name)) {
    return err == ENAMETOOLONG ? ERANGE : err;
  }
  // Capabilities and labels are not the command's to give.
  if (!(name.starts_with("user.") || name.starts_with("system.posix_acl_")) || S_ISLNK(file.info.st_mode)) return EPERM;
  if (change.kind == Change::Kind::kRemoveAttribute) return ErrnoOf(::removexattr(file.link().c_str(), name.c_str()));
  const std::uint64_t size = call.arguments[3];
  if (size > kMaxAttribute) return E2BIG;
  std::string value(static_cast<std::size_t>(size), '\0');
  if (const int err = tracee.Read(call.arguments[2], value)) return err;
  return ErrnoOf(::setxattr(file.link().c_str(), name.c_str(), value.data(), value.size(), call.Int(4)));
}

/// truncate(2) as the command: by a descriptor that its own rights open. The kernel would hold us to our limit of file
/// sizes, not the command to its own.
int GuardMetadata::SetSize(const SystemCall& call, std::int64_t size, const FoundFile& file) const {
  if (size < 0) return EINVAL;
  if (S_ISDIR(file.info.st_mode)) return EISDIR;
  if (!S_ISREG(file.info.st_mode)) return EINVAL;
  if (size > file.info.st_size && static_cast<std::uint64_t>(size) > Tracee(call.tid).FileSizeLimit()) return EFBIG;
  const FileUser user(state_.options.tool_uid);
  // Not waiting for a lease (fcntl(2)).
  const UniqueFd open(::open(file.link().c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  return open.valid() ? ErrnoOf(::ftruncate(open.get(), size)) : errno;
}

}  // namespace rune::sandbox
