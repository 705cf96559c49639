#pragma once
/// One name on its way to its addresses: A and AAAA side by side, then the search list.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/network/resolver.h"
#include "sandbox/network/resolver_exchange.h"

namespace rune::sandbox {

struct LookupAnswer {
  std::vector<IpAddress> addresses;  ///< IPv4 first; at most 16 of each family. Empty: `error` says why.
  std::chrono::seconds ttl{0};       ///< Of the addresses; 0 when one family did not answer in time.
  std::string error;
};

class Lookup {
 public:
  using Done = std::function<void(LookupAnswer)>;
  /// Borrows `config`. `done` is called once, later; it may destroy the lookup.
  Lookup(EventLoop& loop, const ResolverConfig& config, std::string name, std::size_t first_server, Done done);
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

 private:
  struct Family {
    std::unique_ptr<DnsExchange> exchange;
    std::optional<DnsOutcome> outcome;
    bool has_addresses() const { return outcome && outcome->reply && !outcome->reply->addresses.empty(); }
  };
  void Ask();
  void Heard(Family& family, DnsOutcome outcome);
  void Conclude();
  void Finish(LookupAnswer answer);
  const DnsOutcome& Trouble() const;

  EventLoop& loop_;
  const ResolverConfig& config_;
  std::vector<std::string> candidates_;  ///< The name as it is, then with the suffixes of the search list.
  std::size_t current_ = 0;
  std::size_t first_server_;
  Done done_;
  Family v4_;
  Family v6_;
  EventLoop::TimerId grace_ = 0;
  std::string error_;  ///< Of the name as it is.
};

}  // namespace rune::sandbox
