#pragma once
/// One question to the name servers, one server after the other, until one of them knows (resolv.conf(5), RFC 1035,
/// RFC 5452: a random id and a new source port each time, on a connected socket).

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/network/dns_message.h"
#include "sandbox/network/resolver.h"

namespace rune::sandbox {

struct DnsQuestion {
  std::string name;
  std::uint16_t type = kDnsA;
  std::size_t first_server = 0;
};

struct DnsOutcome {
  std::optional<DnsReply> reply;  ///< kNoError or kNxDomain; else the last failure that a server told, if any did.
  std::string said;               ///< Each server that was asked and what it said.
};

class DnsExchange {
 public:
  using Done = std::function<void(DnsOutcome)>;
  /// Borrows `config`. `done` is called once, later; it may destroy the exchange.
  DnsExchange(EventLoop& loop, const ResolverConfig& config, DnsQuestion question, Done done);
  ~DnsExchange();
  DnsExchange(const DnsExchange&) = delete;
  DnsExchange& operator=(const DnsExchange&) = delete;

 private:
  void Ask();
  void AskByTcp();
  void OnDatagram();
  void OnStream();
  bool SendOnStream();
  void Heard(const DnsReply& reply);
  /// Ends this attempt; the next one follows at once, or the end.
  void Fail(const std::string& why);
  void Stop();
  void Finish();
  std::size_t server() const { return (question_.first_server + tries_) % config_.servers.size(); }

  EventLoop& loop_;
  const ResolverConfig& config_;
  DnsQuestion question_;
  Done done_;
  std::size_t tries_ = 0;
  std::vector<std::string> said_;  ///< By server.
  std::optional<DnsReply> reply_;
  UniqueFd socket_;
  EventLoop::TimerId timer_ = 0;
  std::uint16_t id_ = 0;
  std::string to_send_;  ///< TCP only, like the next.
  std::string received_;
};

}  // namespace rune::sandbox
