#pragma once
/// DNS over TCP (RFC 7766) for one command: whatever server it meant, the answers are the guard's.

#include <cstdint>
#include <map>
#include <string>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/network/dns_service.h"

namespace rune::sandbox {

class DnsStreams {
 public:
  /// Both outlive this.
  DnsStreams(EventLoop& loop, DnsService& service) : loop_(loop), service_(service) {}
  ~DnsStreams();
  DnsStreams(const DnsStreams&) = delete;
  DnsStreams& operator=(const DnsStreams&) = delete;

  /// At most 32 at a time; closed after 10 s of silence.
  void Add(UniqueFd client);
  void Clear();

 private:
  struct Stream {
    UniqueFd fd;
    std::string received;
    EventLoop::TimerId timer = 0;
  };
  void Hear(int fd);
  bool AnswerAll(Stream& stream);
  void Rest(Stream& stream);
  void Close(int fd);

  EventLoop& loop_;
  DnsService& service_;
  std::map<int, Stream> streams_;
};

}  // namespace rune::sandbox
