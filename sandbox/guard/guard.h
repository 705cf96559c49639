#pragma once
/// Layer 2, the network guard of one command: answers the system calls that its filter hands over (seccomp_unotify(2)).
///
/// No race by construction: the guard makes every internet socket itself, injects it (SECCOMP_IOCTL_NOTIF_ADDFD) and
/// performs connect(2), bind(2) and listen(2) on its own twin of it. A UDP socket is a stand-in, one end of a seqpacket
/// pair, so that whatever is sent arrives here and nowhere else. SECCOMP_USER_NOTIF_FLAG_CONTINUE is used only where it
/// decides nothing. What cannot be read or matched is refused.

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/confinement.h"
#include "sandbox/domain_allowlist.h"
#include "sandbox/guard/held_trees.h"
#include "sandbox/network/ledger.h"
#include "sandbox/network/relay_proxy.h"
#include "sandbox/network/resolver.h"
#include "sandbox/report.h"

namespace rune::sandbox {

struct GuardOptions {
  const DomainAllowlist* rules = nullptr;  ///< Borrowed; outlives the guard.
  const FileAccess* files = nullptr;       ///< Borrowed; by ResolveAccess(). For what the report says.
  /// Borrowed; of `files`. Where the command may write it may connect to sockets, change modes, owners and times of
  /// files, and cut them.
  const HeldTrees* trees = nullptr;
  timespec started{};  ///< Of the run, CLOCK_REALTIME_COARSE: older sockets are not the command's.
  uid_t tool_uid = 0;  ///< Who the command is: only sockets and files of this uid are its own.
  gid_t tool_gid = 0;
  /// Another layer refuses the command every port of its own making (Landlock ABI 4, a network of its own).
  bool ports_held = true;
  std::function<bool(const std::string& path)> may_execute;  ///< What Landlock answers: for the report only.
  std::function<bool(const std::string& path)> may_map;      ///< For execution. Empty: everything.
  /// Bytes that this command may send under an entry of the rules (RelayOptions::upload_left); what it has sent is
  /// subtracted here. Empty: no cap.
  std::function<std::uint64_t(const std::string& account)> upload_left;
  std::optional<UpstreamProxy> proxy;  ///< As in RelayOptions.
  /// socket(2) in a network that is the run's own, with nothing in it but loopback: what a command gets for internet
  /// sockets. Invalid: errno is set. Empty: there is no such network, and they are of ours.
  std::function<UniqueFd(int domain, int type, int protocol)> own_socket;
  bool watch_only = false;  ///< Everything is let through and noted: for learning a policy, never for running one.
};

class NetworkGuard {
 public:
  NetworkGuard(EventLoop& loop, Resolver& resolver, GuardOptions options);
  ~NetworkGuard();  ///< Closes every twin, stand-in and relayed connection.
  NetworkGuard(const NetworkGuard&) = delete;
  NetworkGuard& operator=(const NetworkGuard&) = delete;

  /// Starts answering. The listener ends by itself when the last process under the filter is gone.
  void Serve(UniqueFd listener);
  /// Bytes sent until now, by the entries that they count against.
  const std::map<std::string, std::uint64_t>& charged() const;
  /// Until now: denials (one per kind and target, with a count), the ledger, and (watch_only) the programs run.
  void AddTo(Report& report) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether this kernel and whatever confines us offer a listener (not already taken), ADDFD and readable memory of a
/// child, tried out in a throw-away child. Empty: yes. Else the reason, for the report.
std::string WhyNoGuard();

}  // namespace rune::sandbox
