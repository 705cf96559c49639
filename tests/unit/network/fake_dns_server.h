#pragma once
/// A name server on 127.0.0.1, UDP and TCP on one port, that says what a test tells it to. On the test's own loop.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/network/dns_message.h"

namespace rune::sandbox::test {

/// Addresses from their texts.
std::vector<IpAddress> Ips(const std::vector<std::string>& texts);

class FakeDnsServer {
 public:
  struct Reply {
    DnsCode code = DnsCode::kNoError;
    std::vector<IpAddress> addresses;  ///< Those of the asked type are sent.
    std::uint32_t ttl = 60;
    std::string alias;          ///< CNAME in between.
    bool truncated = false;     ///< By UDP; the whole comes by TCP.
    bool silent = false;        ///< No answer at all.
    bool forged_first = false;  ///< Wrong id, then wrong name, then not DNS, each with 203.0.113.66; then the answer.
  };
  using Script = std::function<Reply(const std::string& name, std::uint16_t type)>;
  struct Seen {
    std::string name;
    std::uint16_t type = 0;
    std::uint16_t id = 0;
    std::uint16_t source_port = 0;
    bool tcp = false;
  };

  FakeDnsServer(EventLoop& loop, Script script);
  ~FakeDnsServer();
  FakeDnsServer(const FakeDnsServer&) = delete;
  FakeDnsServer& operator=(const FakeDnsServer&) = delete;

  Endpoint endpoint() const { return endpoint_; }
  const std::vector<Seen>& seen() const { return seen_; }
  /// How often `name` was asked for, by type.
  int Asked(const std::string& name, std::uint16_t type = kDnsA) const;

  /// These names, and no such name for everything else.
  static Script Zone(std::map<std::string, std::vector<std::string>> zone);

 private:
  void OnDatagram();
  void OnStream(int fd);
  Reply Note(const DnsQuery& query, std::uint16_t source_port, bool tcp);

  EventLoop& loop_;
  Script script_;
  Endpoint endpoint_;
  UniqueFd udp_;
  UniqueFd listener_;
  std::map<int, UniqueFd> streams_;
  std::vector<Seen> seen_;
};

}  // namespace rune::sandbox::test
