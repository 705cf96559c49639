#include "sandbox/guardian/buffer_use.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "sandbox/base/directory.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"
#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {
namespace {

constexpr std::uint64_t kPipeBytes = 64 << 10;
constexpr std::uint64_t kSmallPipeBytes = 8 << 10;
constexpr std::uint64_t kLargePipes = 1024;  // pipe-user-pages-soft, in pipes of full size (pipe(7))
constexpr std::size_t kFewSockets = 8;       // not worth a look at the tables of the machine
constexpr std::size_t kTable = 8 << 20;

struct Descriptors {
  std::set<std::string> sockets;  ///< "socket:[INODE]", each once.
  std::set<std::string> pipes;
  std::uint64_t hidden = 0;
};

void Collect(const ProcessInfo& process, Descriptors& into) {
  const UniqueFd fds(
      ::open(("/proc/" + std::to_string(process.pid) + "/fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fds.valid()) {
    // A process may close itself to our look, not its table of descriptors.
    if (errno == EACCES || errno == EPERM) into.hidden += process.fd_slots;
    return;
  }
  char target[64];
  for (const std::string& name : NamesIn(fds.get())) {
    const ssize_t n = ::readlinkat(fds.get(), name.c_str(), target, sizeof target);
    if (n <= 0) continue;
    const std::string_view text(target, static_cast<std::size_t>(n));
    if (text.starts_with("socket:[")) into.sockets.emplace(text);
    if (text.starts_with("pipe:[")) into.pipes.emplace(text);
  }
}

/// What each TCP socket of this network namespace has queued in both directions (proc_net(5), /proc/net/tcp).
std::map<std::string, std::uint64_t> TcpQueues() {
  std::map<std::string, std::uint64_t> queues;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto table = ReadFile(path, kTable);
    if (!table.ok()) continue;
    for (const std::string_view line : Split(*table, '\n')) {
      unsigned long long sent = 0;
      unsigned long long received = 0;
      unsigned long long inode = 0;
      if (std::sscanf(std::string(line).c_str(), "%*s %*s %*s %*s %llx:%llx %*s %*s %*s %*s %llu", &sent, &received,
                      &inode) == 3) {
        queues["socket:[" + std::to_string(inode) + "]"] = sent + received;
      }
    }
  }
  return queues;
}

std::uint64_t DefaultBuffer() {
  constexpr std::uint64_t kUsual = 212'992;
  const auto text = ReadFile("/proc/sys/net/core/wmem_default", 64);
  const auto number = text.ok() ? ParseInt(Trim(*text)) : std::nullopt;
  return number && *number > 0 ? static_cast<std::uint64_t>(*number) : kUsual;
}

}  // namespace

std::uint64_t BuffersOfTree(const std::vector<ProcessInfo>& all, pid_t root) {
  const std::vector<pid_t> tree = Tree(all, root);
  const std::set<pid_t> members(tree.begin(), tree.end());
  Descriptors open;
  for (const ProcessInfo& process : all) {
    if (members.contains(process.pid)) Collect(process, open);
  }
  static const std::uint64_t buffer = DefaultBuffer();
  const std::uint64_t large = std::min<std::uint64_t>(open.pipes.size(), kLargePipes);
  std::uint64_t bytes = large * kPipeBytes + (open.pipes.size() - large) * kSmallPipeBytes + open.hidden * buffer;
  if (open.sockets.size() <= kFewSockets) return bytes + open.sockets.size() * buffer;
  const auto queues = TcpQueues();
  for (const std::string& socket : open.sockets) {
    const auto tcp = queues.find(socket);
    bytes += tcp == queues.end() ? buffer : 2 * tcp->second;
  }
  return bytes;
}

}  // namespace rune::sandbox
