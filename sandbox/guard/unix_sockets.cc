#include "sandbox/guard/unix_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/guard/file_user.h"
#include "sandbox/network/nonblocking_socket.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxTable = 16 << 20;

/// By its time of birth (statx(2)), which nobody can set. False where the file system keeps none.
bool IsYounger(int place, const timespec& since) {
  struct statx info{};
  if (::statx(place, "", AT_EMPTY_PATH, STATX_BTIME, &info) != 0 || (info.stx_mask & STATX_BTIME) == 0) return false;
  if (info.stx_btime.tv_sec != since.tv_sec) return info.stx_btime.tv_sec > since.tv_sec;
  return static_cast<long>(info.stx_btime.tv_nsec) >= since.tv_nsec;
}

/// Whether some socket of this network namespace is bound to that name (proc_net(5), /proc/net/unix); by its last part,
/// for it stands there as it was written. True when that cannot be told.
bool MayBeServed(const std::string& path) {
  const auto table = ReadFile("/proc/net/unix", kMaxTable);
  if (!table.ok()) return true;
  const std::string_view name = FileName(path);
  for (const std::string_view line : Split(*table, '\n')) {
    const std::string_view bound = line.substr(line.rfind(' ') + 1);
    if (FileName(bound) == name) return true;
  }
  return false;
}

/// Who called listen(2) on the other end (unix(7), SO_PEERCRED), by a number that is 0 for whoever is not of our pid
/// namespace.
bool IsOurs(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == ::getpid();
}

}  // namespace

UnixSocket FindUnixSocket(const UnixSocketRules& rules, int directory, const std::string& path) {
  UnixSocket found;
  found.path = path;
  found.place = OpenPlaceAs(rules.owner, directory, path, O_PATH);
  if (!found.place.valid()) {
    found.error = errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? errno : EACCES;
    return found;
  }
  found.path = PathOf(found.place.get());
  struct stat info{};
  if (::fstat(found.place.get(), &info) != 0 || found.path.empty()) {
    found.error = EACCES;
  } else if (!rules.every && !rules.trees->Contains(found.place.get())) {
    found.error = EACCES;
  } else if (!S_ISSOCK(info.st_mode)) {
    found.error = ECONNREFUSED;
  } else if (!rules.every && (info.st_uid != rules.owner || !IsYounger(found.place.get(), rules.since))) {
    found.error = MayBeServed(found.path) ? EACCES : ECONNREFUSED;
  }
  return found;
}

int ConnectUnix(const UnixSocketRules& rules, int socket, const UniqueFd& place) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = LinkTo(place.get());
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  int error = 0;
  {
    const CommandIds as(rules.owner, rules.group);
    error = ConnectWithoutWaiting(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  if (error != 0 || rules.every || IsOurs(socket)) return error;
  ::shutdown(socket, SHUT_RDWR);
  return EACCES;
}

}  // namespace rune::sandbox
