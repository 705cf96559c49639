#pragma once
/// Runs acts and programs under the guard's filter, with the guard in this process, against servers on loopback.

#include <netinet/in.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/domain_allowlist.h"
#include "sandbox/guard/guard.h"
#include "sandbox/layers/seccomp.h"

namespace rune::sandbox {

/// Answers every HTTP request with "hello", on a loopback address, from a thread of its own.
class HelloServer {
 public:
  explicit HelloServer(const std::string& address = "127.0.0.1");
  ~HelloServer();
  HelloServer(const HelloServer&) = delete;
  HelloServer& operator=(const HelloServer&) = delete;
  std::uint16_t port() const { return port_; }
  /// Until now, those that only wait in the backlog included.
  int connections();

 private:
  void Serve();

  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  int own_ = 0;  ///< Of them, those of connections().
  std::string address_;
  std::thread thread_;
};

struct GuardedSetup {
  std::vector<std::string> rules;
  std::multimap<std::string, IpAddress> hosts;  ///< What the guard's resolver knows; the command does not see it.
  FileAccess files;
  std::function<bool(const std::string&)> may_execute;
  bool watch_only = false;
  bool ports_held = true;
  SeccompPolicy::Unheld unheld;  ///< As under a kernel whose Landlock lacks these.
};

struct GuardedResult {
  int status = -1;  ///< Exit code, or 1000 plus a signal; -1: it did not end within a minute.
  std::string output;
  Report report;

  bool Denied(DeniedAct what, const std::string& target_prefix) const;
  /// Of the first such denial; nothing when there is none.
  Remedy RemedyFor(DeniedAct what, const std::string& target_prefix) const;
};

/// Whether a listener can be had here; else the reason for a skip.
std::string WhyNoGuardHere();

GuardedResult RunGuarded(const GuardedSetup& setup, const std::function<int()>& act);
GuardedResult RunGuarded(const GuardedSetup& setup, const std::vector<std::string>& argv);
/// The same `act` without a filter: its exit status.
int RunBare(const std::function<int()>& act);

/// errno of a call that failed, else 0.
inline int Errno(long result) { return result < 0 ? errno : 0; }
template <typename T>
sockaddr* Any(T& address) {
  return reinterpret_cast<sockaddr*>(&address);
}

/// connect(2) of a new blocking socket; 0 or errno.
int ConnectTo(const std::string& address, std::uint16_t port);
sockaddr_in InetAddress(const std::string& address, std::uint16_t port);
/// getaddrinfo(3) of an IPv4 name: the address as text, or "error N".
std::string LookUp(const std::string& name);

}  // namespace rune::sandbox
