#pragma once
/// The sockets that the guard made for one command, found again by inode: of each we hold a twin (the same open file),
/// on which we do for the command what it may not do itself. Inodes of sockets are not used twice while one is open.

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "sandbox/address.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/guard/notifications.h"

namespace rune::sandbox {

struct GuardedSocket {
  enum class Kind : std::uint8_t {
    kStream,     ///< TCP, not connected. Has a twin.
    kUnix,       ///< Unix stream or seqpacket, not connected. Has a twin.
    kDatagram,   ///< A stand-in for UDP: `twin` is the command's end of a pair, `ours` the other.
    kOwnUdp,     ///< UDP in the run's own network. Has a twin.
    kRoute,      ///< Netlink, of the run's own network: it tells of loopback. Has a twin.
    kConnected,  ///< No twin: the peer must see when the command closes it.
    kListening,  ///< No twin: the port must be free when the command closes it.
  };
  Kind kind = Kind::kStream;
  ino_t inode = 0;
  int domain = 0;
  UniqueFd twin;
  bool busy = false;  ///< A connect(2) is on its way.
  std::string asked;  ///< kConnected through the relay: the sockaddr that the command wanted.

  std::optional<Endpoint> wished;  ///< A stream that is bound to another port than the command believes.

  // Of stand-ins.
  UniqueFd ours;
  std::optional<Endpoint> peer;     ///< Set by connect(2).
  std::optional<Endpoint> last;     ///< Where the last datagram with an address went.
  std::optional<Endpoint> bound;    ///< Set by bind(2).
  std::deque<SystemCall> receives;  ///< Held calls that wait for a datagram.
};

class SocketTable {
 public:
  using Entry = std::shared_ptr<GuardedSocket>;

  /// `owner`: the command's uid, whose processes are searched for sockets that are still in use.
  explicit SocketTable(uid_t owner);

  /// True when a twin more may be made, after Collect() if need be.
  bool HasRoom();
  /// `socket` has a twin; fills in its inode. Null when that cannot be found out.
  Entry Add(GuardedSocket socket);
  Entry Find(ino_t inode) const;
  bool Any(const std::function<bool(const GuardedSocket&)>& is) const;
  /// Was not handed out after all.
  void Remove(const GuardedSocket& socket);
  /// The twin has served: keeps what the guard must remember, at most 4,096 entries of it.
  void Retire(GuardedSocket& socket, GuardedSocket::Kind kind);
  /// Drops the twins of sockets that no process of the command has open any more, and of them at least `worth`; else it
  /// is not tried again until ten times as long as it took has passed, so that no command can keep us busy with it.
  void Collect(std::size_t worth);
  std::size_t twins() const { return twins_; }
  void Clear();
  /// Called for each stand-in that is dropped.
  void OnDropped(std::function<void(GuardedSocket&)> callback) { on_dropped_ = std::move(callback); }

 private:
  void Drop(std::map<ino_t, Entry>::iterator at);

  uid_t owner_;
  std::size_t max_twins_;
  std::size_t twins_ = 0;
  std::map<ino_t, Entry> sockets_;
  std::deque<ino_t> retired_;  ///< Oldest first.
  TimePoint collect_again_{};
  std::function<void(GuardedSocket&)> on_dropped_;
};

/// The sockets that the processes of `owner`, apart from ourselves, have open. Takes milliseconds on a busy machine.
/// nullopt: we have no descriptors left to look with.
std::optional<std::set<ino_t>> OpenSockets(uid_t owner);

/// How many descriptors of ours the sockets of one command may take, and its connections likewise: an eighth of what
/// this process may have (RLIMIT_NOFILE), so that there is always room to look at what is asked.
std::size_t DescriptorShare();

}  // namespace rune::sandbox
