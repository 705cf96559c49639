#include "fake_dns_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sandbox/base/text.h"

namespace rune::sandbox::test {
namespace {

constexpr std::size_t kHeader = 12;

std::string Number(std::uint32_t value, int bytes) {
  std::string out;
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
  return out;
}

std::string Name(const std::string& name) {
  std::string out;
  for (const std::string_view label : Split(name, '.')) {
    out += Number(static_cast<std::uint32_t>(label.size()), 1);
    out += label;
  }
  return out + '\0';
}

std::string Record(const std::string& owner, std::uint16_t type, std::uint32_t ttl, const std::string& data) {
  return owner + Number(type, 2) + Number(1, 2) + Number(ttl, 4) + Number(static_cast<std::uint32_t>(data.size()), 2) +
         data;
}

std::string Message(const DnsQuery& query, const FakeDnsServer::Reply& reply, bool truncated) {
  std::string records;
  std::uint32_t count = 0;
  std::string owner = Number(0xc000 + kHeader, 2);
  if (!reply.alias.empty()) {
    records += Record(owner, 5, reply.ttl, Name(reply.alias));
    owner = Name(reply.alias);
    ++count;
  }
  for (const IpAddress& address : reply.addresses) {
    if (truncated || address.is_v4() != (query.type == kDnsA)) continue;
    records +=
        Record(owner, query.type, reply.ttl, std::string(address.bytes.begin(), address.bytes.begin() + address.size));
    ++count;
  }
  const std::uint32_t flags = 0x8180u | (truncated ? 0x0200u : 0u) | static_cast<std::uint32_t>(reply.code);
  return Number(query.id, 2) + Number(flags, 2) + Number(1, 2) + Number(count, 2) + Number(0, 4) + query.question +
         records;
}

}  // namespace

std::vector<IpAddress> Ips(const std::vector<std::string>& texts) {
  std::vector<IpAddress> addresses;
  for (const std::string& text : texts) addresses.push_back(ParseIp(text).value_or(IpAddress{}));
  return addresses;
}

FakeDnsServer::FakeDnsServer(EventLoop& loop, Script script) : loop_(loop), script_(std::move(script)) {
  // A free UDP port may be taken for TCP: then the next one.
  for (int i = 0; i < 50 && !listener_.valid(); ++i) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    udp_.Reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::bind(udp_.get(), raw, length) != 0 || ::getsockname(udp_.get(), raw, &length) != 0) continue;
    UniqueFd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::bind(tcp.get(), raw, length) != 0 || ::listen(tcp.get(), 16) != 0) continue;
    listener_ = std::move(tcp);
    endpoint_ = {{4, {127, 0, 0, 1}}, ntohs(address.sin_port), 0};
  }
  EXPECT_TRUE(listener_.valid());
  loop_.Watch(udp_.get(), POLLIN, [this](short) { OnDatagram(); });
  loop_.Watch(listener_.get(), POLLIN, [this](short) {
    UniqueFd stream(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!stream.valid()) return;
    const int fd = stream.get();
    streams_[fd] = std::move(stream);
    loop_.Watch(fd, POLLIN, [this, fd](short) { OnStream(fd); });
  });
}

FakeDnsServer::~FakeDnsServer() {
  loop_.Unwatch(udp_.get());
  loop_.Unwatch(listener_.get());
  for (const auto& [fd, owner] : streams_) loop_.Unwatch(fd);
}

FakeDnsServer::Reply FakeDnsServer::Note(const DnsQuery& query, std::uint16_t source_port, bool tcp) {
  seen_.push_back({query.name, query.type, query.id, source_port, tcp});
  return script_(query.name, query.type);
}

void FakeDnsServer::OnDatagram() {
  std::array<char, kMaxDnsMessage> buffer;
  sockaddr_in peer{};
  socklen_t length = sizeof peer;
  auto* raw = reinterpret_cast<sockaddr*>(&peer);
  const ssize_t size = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0, raw, &length);
  if (size < 0) return;
  const auto query = ReadDnsQuery({buffer.data(), static_cast<std::size_t>(size)});
  if (!query) return;
  const Reply reply = Note(*query, ntohs(peer.sin_port), false);
  if (reply.silent) return;
  const auto send = [&](const std::string& message) {
    ::sendto(udp_.get(), message.data(), message.size(), 0, raw, length);
  };
  if (reply.forged_first) {
    Reply lie = reply;
    lie.addresses = Ips({"203.0.113.66", "2001:db8::66"});
    DnsQuery wrong = *query;
    wrong.id = static_cast<std::uint16_t>(query->id + 1);
    send(Message(wrong, lie, false));
    wrong = *query;
    wrong.question[1] = static_cast<char>(wrong.question[1] ^ 1);
    send(Message(wrong, lie, false));
    send("not a message");
  }
  send(Message(*query, reply, reply.truncated));
}

void FakeDnsServer::OnStream(int fd) {
  std::array<char, kMaxDnsMessage> buffer;
  const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (size > 2) {
    const auto query = ReadDnsQuery({buffer.data() + 2, static_cast<std::size_t>(size) - 2});
    const Reply reply = query ? Note(*query, 0, true) : Reply{};
    if (!query || reply.silent) return;
    const std::string message = Message(*query, reply, false);
    const std::string framed = Number(static_cast<std::uint32_t>(message.size()), 2) + message;
    // In two parts, as a network may.
    ::send(fd, framed.data(), 1, MSG_NOSIGNAL);
    ::send(fd, framed.data() + 1, framed.size() - 1, MSG_NOSIGNAL);
  } else {
    loop_.Unwatch(fd);
    streams_.erase(fd);
  }
}

int FakeDnsServer::Asked(const std::string& name, std::uint16_t type) const {
  return static_cast<int>(std::count_if(seen_.begin(), seen_.end(),
                                        [&](const Seen& seen) { return seen.name == name && seen.type == type; }));
}

FakeDnsServer::Script FakeDnsServer::Zone(std::map<std::string, std::vector<std::string>> zone) {
  return [zone = std::move(zone)](const std::string& name, std::uint16_t) {
    const auto found = zone.find(name);
    if (found == zone.end()) return Reply{.code = DnsCode::kNxDomain, .addresses = {}, .alias = {}};
    return Reply{.addresses = Ips(found->second), .alias = {}};
  };
}

}  // namespace rune::sandbox::test
