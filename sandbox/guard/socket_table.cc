#include "sandbox/guard/socket_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "sandbox/base/text.h"
#include "sandbox/guard/tracee.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMinShare = 8;
constexpr std::size_t kMaxTwins = 1024;
constexpr std::size_t kMaxRetired = 4096;

using Dir = std::unique_ptr<DIR, int (*)(DIR*)>;

/// What could not be opened for want of room may hold any socket.
bool LacksRoom(const Dir& directory) {
  return directory == nullptr && (errno == EMFILE || errno == ENFILE || errno == ENOMEM);
}

}  // namespace

std::size_t DescriptorShare() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMinShare;
  return std::max<std::size_t>(limit.rlim_cur / 8, kMinShare);
}

std::optional<std::set<ino_t>> OpenSockets(uid_t owner) {
  std::set<ino_t> open;
  const Dir proc(::opendir("/proc"), ::closedir);
  if (LacksRoom(proc)) return std::nullopt;
  while (const dirent* process = proc != nullptr ? ::readdir(proc.get()) : nullptr) {
    const auto pid = ParseInt(process->d_name);
    if (!pid || *pid == ::getpid()) continue;
    struct stat info{};
    if (::fstatat(::dirfd(proc.get()), process->d_name, &info, 0) != 0 || info.st_uid != owner) continue;
    const Dir fds(::opendir(("/proc/" + std::string(process->d_name) + "/fd").c_str()), ::closedir);
    if (LacksRoom(fds)) return std::nullopt;
    while (const dirent* entry = fds != nullptr ? ::readdir(fds.get()) : nullptr) {
      std::array<char, 64> target;
      const ssize_t size = ::readlinkat(::dirfd(fds.get()), entry->d_name, target.data(), target.size());
      if (size <= 0) continue;
      if (const auto inode = SocketInodeOf({target.data(), static_cast<std::size_t>(size)})) open.insert(*inode);
    }
  }
  return open;
}

SocketTable::SocketTable(uid_t owner) : owner_(owner), max_twins_(std::min(DescriptorShare(), kMaxTwins)) {}

bool SocketTable::HasRoom() {
  if (twins_ >= max_twins_) Collect(max_twins_ / 8);
  return twins_ < max_twins_;
}

SocketTable::Entry SocketTable::Add(GuardedSocket socket) {
  struct stat info{};
  if (::fstat(socket.twin.get(), &info) != 0) return nullptr;
  socket.inode = info.st_ino;
  if (const auto stale = sockets_.find(info.st_ino); stale != sockets_.end()) Drop(stale);
  ++twins_;
  return sockets_[info.st_ino] = std::make_shared<GuardedSocket>(std::move(socket));
}

SocketTable::Entry SocketTable::Find(ino_t inode) const {
  const auto found = sockets_.find(inode);
  return found == sockets_.end() ? nullptr : found->second;
}

bool SocketTable::Any(const std::function<bool(const GuardedSocket&)>& is) const {
  return std::any_of(sockets_.begin(), sockets_.end(), [&](const auto& entry) { return is(*entry.second); });
}

void SocketTable::Remove(const GuardedSocket& socket) {
  if (const auto found = sockets_.find(socket.inode); found != sockets_.end()) Drop(found);
}

void SocketTable::Retire(GuardedSocket& socket, GuardedSocket::Kind kind) {
  if (!socket.twin.valid()) return;
  socket.twin.Reset();
  socket.kind = kind;
  --twins_;
  retired_.push_back(socket.inode);
  if (retired_.size() <= kMaxRetired) return;
  const auto oldest = sockets_.find(retired_.front());
  if (oldest != sockets_.end() && !oldest->second->twin.valid()) sockets_.erase(oldest);
  retired_.pop_front();
}

void SocketTable::Drop(std::map<ino_t, Entry>::iterator at) {
  const Entry socket = at->second;
  if (socket->twin.valid()) --twins_;
  sockets_.erase(at);
  if (on_dropped_) on_dropped_(*socket);
  socket->twin.Reset();
  socket->ours.Reset();
}

void SocketTable::Collect(std::size_t worth) {
  const TimePoint begin = Clock::now();
  if (begin < collect_again_) return;
  const std::size_t before = twins_;
  const auto open = OpenSockets(owner_);
  for (auto it = sockets_.begin(); open && it != sockets_.end();) {
    const auto next = std::next(it);
    if (it->second->twin.valid() && !it->second->busy && !open->contains(it->first)) Drop(it);
    it = next;
  }
  const TimePoint end = Clock::now();
  if (before - twins_ < worth) collect_again_ = end + 10 * (end - begin);
}

void SocketTable::Clear() {
  while (!sockets_.empty()) Drop(sockets_.begin());
  retired_.clear();
}

}  // namespace rune::sandbox
