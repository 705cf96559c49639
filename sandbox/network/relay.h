#pragma once
/// Between a command's connection and the server it wants: finds the server, checks what the client says about itself
/// (TLS server name, HTTP host), passes bytes both ways and counts them. One per command.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sandbox/address.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/denial.h"
#include "sandbox/domain_allowlist.h"
#include "sandbox/network/ledger.h"
#include "sandbox/network/relay_proxy.h"
#include "sandbox/network/resolver.h"

namespace rune::sandbox {

struct RelayTarget {
  std::string name;   ///< Allowed name; empty when the command used an address that an entry allows.
  IpAddress address;  ///< Of the latter.
  std::uint16_t port = 0;

  /// The name, or else the address: what the ledger calls it.
  std::string key() const { return name.empty() ? Format(address) : name; }
};

struct RelayRefusal {
  DeniedAct what = DeniedAct::kConnect;  ///< kTls, kHttp, kAddress or kUpload.
  std::string detail;                    ///< A safe line.
  Remedy remedy;
};

/// All that may be sent under the entry `account` has been sent.
RelayRefusal UploadRefusal(const std::string& account);

struct RelayOptions {
  const DomainAllowlist* rules = nullptr;  ///< Borrowed.
  EgressLedger* ledger = nullptr;          ///< Borrowed.
  /// Bytes that may still be sent under an entry of the rules (DomainAllowlist::AccountOf()) before this command's
  /// connections there are reset. Empty: no cap.
  std::function<std::uint64_t(const std::string& account)> upload_left;
  std::function<void(const RelayRefusal& refusal, const RelayTarget& target)> on_refused;
  /// What was allowed and could not be reached, a safe line: "a.test: no such name".
  std::function<void(const std::string& trouble)> on_trouble;
  std::chrono::milliseconds dial_timeout{30'000};
  std::chrono::milliseconds hello_timeout{10'000};
  /// Names are asked of this proxy and of no name server; it is told the name, so that the private ranges stay closed
  /// by its own rules alone. What a command reaches by address is reached directly.
  std::optional<UpstreamProxy> proxy;
  bool inspect = true;  ///< False in watch-only mode: nothing is refused.
};

class Relay {
 public:
  using DialId = std::uint64_t;
  /// 0 and the connected socket, or an errno (ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH, EACCES for an address out of
  /// bounds).
  using Dialed = std::function<void(int error, UniqueFd upstream)>;

  Relay(EventLoop& loop, Resolver& resolver, RelayOptions options);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Resolves, drops what is private, loopback, link-local, metadata or reserved unless an address entry of the rules
  /// covers it with this port, and connects to exactly the address that was checked (happy eyeballs, RFC 8305: the
  /// next address after 250 ms). Calls back later, never from inside.
  DialId Dial(const RelayTarget& target, Dialed done);
  void Cancel(DialId id);

  /// Joins a client with a server already dialled. By name: the first bytes of the client decide. TLS: the server name
  /// must be allowed for this port. On port 443 it must be TLS. HTTP: every request's host must be allowed. On port 80
  /// it must be HTTP. Other ports: what is neither passes as it is, and servers that speak first are heard at once.
  /// By address: nothing is inspected. Owns both sockets; half-closes are passed on; a refusal resets the client.
  void Join(UniqueFd client, UniqueFd upstream, const RelayTarget& target);
  /// The same before the server is known: what the client sends waits (at most 64 KiB); a failure resets the client.
  void DialAndJoin(UniqueFd client, const RelayTarget& target);
  std::size_t open_connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rune::sandbox
