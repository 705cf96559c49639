#pragma once
/// The one resolver that leads outside: asks the machine's name servers (/etc/resolv.conf) and /etc/hosts for the
/// addresses of a name that policy allows, at the moment of connecting. Asynchronous, on the loop; one per guardian.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/address.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {

/// resolv.conf(5) and hosts(5), as far as they matter here.
struct ResolverConfig {
  std::vector<Endpoint> servers;    ///< At most 3; empty file: 127.0.0.1 port 53.
  std::vector<std::string> search;  ///< For names with fewer than `ndots` dots that fail as they are.
  int ndots = 1;
  int attempts = 2;
  std::chrono::milliseconds timeout{5'000};  ///< Per server and attempt.
  bool rotate = false;                       ///< Each lookup begins with the next server.
  bool use_tcp = false;                      ///< "use-vc": never by UDP.
  std::multimap<std::string, IpAddress> hosts;
};
ResolverConfig ReadResolverConfig(const std::string& resolv_conf_text, const std::string& hosts_text);
/// Of /etc/resolv.conf and /etc/hosts, as far as they can be read.
ResolverConfig SystemResolverConfig();

class Resolver {
 public:
  /// All addresses, IPv4 first; or an error whose message says which servers were asked and what they said.
  using Done = std::function<void(Result<std::vector<IpAddress>>)>;
  using QueryId = std::uint64_t;

  Resolver(EventLoop& loop, ResolverConfig config);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Calls `done` later, never from inside; answers are kept for their TTL (5 s to 5 min, failures 2 s). UDP with a
  /// random id and source port, TCP when truncated.
  QueryId Resolve(const std::string& name, Done done);
  void Cancel(QueryId id);
  const ResolverConfig& config() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rune::sandbox
