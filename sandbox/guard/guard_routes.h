#pragma once
/// Where a connection to an address leads: to a name's server, to a listed address, to a listener of the command
/// itself, to our own resolver, or nowhere. Internal to guard.h.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "sandbox/denial.h"
#include "sandbox/network/dns_service.h"
#include "sandbox/network/relay.h"
#include "sandbox/network/resolver.h"

namespace rune::sandbox {

struct Route {
  enum class Kind : std::uint8_t { kRefused, kResolver, kOwnListener, kRelay };
  Kind kind = Kind::kRefused;
  RelayTarget target;      ///< kRelay; of kRefused as far as it is known.
  Endpoint own;            ///< kOwnListener
  bool permitted = false;  ///< By the rules. A kRelay without it is watch-only's.

  /// "name:port" or "address:port".
  std::string Text() const;
  /// What would permit it to a stream.
  Remedy WayOpen() const;
};

class GuardRoutes {
 public:
  struct Options {
    const DomainAllowlist* rules = nullptr;  ///< This and the next: borrowed.
    const DnsService* dns = nullptr;
    bool every_target = false;  ///< Watch-only.
    /// As GuardServers::OwnListener().
    std::function<std::optional<Endpoint>(const IpAddress& loopback, std::uint16_t port)> own_listener;
  };
  GuardRoutes(Options options, const ResolverConfig& resolver);

  Route To(const Endpoint& wanted) const;

 private:
  Options options_;
  /// hosts(5), read backwards: programs that read it themselves connect to what it says, not to our addresses.
  std::multimap<IpAddress, std::string> hosts_;
};

}  // namespace rune::sandbox
