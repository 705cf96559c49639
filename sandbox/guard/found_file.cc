#include "sandbox/guard/found_file.h"

#include <fcntl.h>
#include <limits.h>

#include <cerrno>
#include <optional>
#include <string_view>

#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

/// "/proc/self/fd/7" is how libraries name a descriptor where a call takes only paths; for us it would be our own.
std::optional<int> DescriptorOf(const std::string& path) {
  for (const std::string_view prefix : {"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/"}) {
    if (!path.starts_with(prefix)) continue;
    if (const auto number = ParseInt(path.substr(prefix.size()))) return static_cast<int>(*number);
  }
  return std::nullopt;
}

/// Neither is the start of a path: it would be walked as this process.
bool NamesUs(const std::string& path) {
  return path.starts_with("/proc/self/") || path.starts_with("/proc/thread-self/") || path.starts_with("/dev/fd/");
}

}  // namespace

int FindFile(const GuardState& state, Tracee& tracee, const SystemCall& call, const FileSubject& subject,
             FoundFile& file) {
  std::string path;
  if (subject.path >= 0) {
    if (const int err = tracee.ReadString(call.arguments[static_cast<std::size_t>(subject.path)], PATH_MAX, path)) {
      return err;
    }
    if (path.empty() && !subject.empty) return ENOENT;
  }
  int descriptor = subject.directory < 0 ? AT_FDCWD : call.Int(static_cast<std::size_t>(subject.directory));
  if (const auto named = DescriptorOf(path)) descriptor = *named, path.clear();
  file.path = path;
  if (NamesUs(path)) return EACCES;
  const bool by_cwd = descriptor == AT_FDCWD;
  const UniqueFd start = path.starts_with('/') ? UniqueFd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC))
                         : by_cwd              ? tracee.WorkingDirectory()
                                               : tracee.Descriptor(descriptor);
  if (!start.valid()) return by_cwd ? EACCES : EBADF;
  if (path.empty()) {
    file.place.Reset(::fcntl(start.get(), F_DUPFD_CLOEXEC, 3));
  } else {
    file.place = OpenPlaceAs(state.options.tool_uid, start.get(), path, O_PATH | (subject.follow ? 0 : O_NOFOLLOW));
    if (!file.place.valid()) return errno == ELOOP ? EACCES : errno;
  }
  if (!state.calls.StillWaits(call.id)) return ESRCH;
  if (::fstat(file.place.get(), &file.info) != 0) return EACCES;
  file.path = PathOf(file.place.get());
  return file.path.empty() ? EACCES : 0;
}

}  // namespace rune::sandbox
