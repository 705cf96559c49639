#include "sandbox/network/dns_streams.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxStreams = 32;
constexpr Milliseconds kIdle{10'000};

std::size_t BigEndian16(std::string_view bytes) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8 | static_cast<unsigned char>(bytes[1]);
}

}  // namespace

DnsStreams::~DnsStreams() { Clear(); }

void DnsStreams::Clear() {
  while (!streams_.empty()) Close(streams_.begin()->first);
}

void DnsStreams::Add(UniqueFd client) {
  if (streams_.size() >= kMaxStreams) return;
  const int fd = client.get();
  Stream& stream = streams_[fd];
  stream.fd = std::move(client);
  Rest(stream);
  loop_.Watch(fd, POLLIN, [this, fd](short) { Hear(fd); });
}

void DnsStreams::Rest(Stream& stream) {
  if (stream.timer != 0) loop_.CancelTimer(stream.timer);
  stream.timer = loop_.At(Clock::now() + kIdle, [this, fd = stream.fd.get()] { Close(fd); });
}

void DnsStreams::Close(int fd) {
  const auto found = streams_.find(fd);
  if (found == streams_.end()) return;
  loop_.CancelTimer(found->second.timer);
  loop_.Unwatch(fd);
  streams_.erase(found);
}

void DnsStreams::Hear(int fd) {
  Stream& stream = streams_.at(fd);
  std::array<char, kMaxDnsMessage> chunk;
  const ssize_t n = ::recv(fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return Close(fd);
  stream.received.append(chunk.data(), static_cast<std::size_t>(n));
  if (!AnswerAll(stream)) return Close(fd);
  Rest(stream);
}

/// False when the stream makes no sense, or its client does not read.
bool DnsStreams::AnswerAll(Stream& stream) {
  while (stream.received.size() >= 2) {
    const std::size_t size = BigEndian16(stream.received);
    if (size > kMaxDnsMessage) return false;
    if (stream.received.size() < 2 + size) return true;
    const auto answer = service_.Answer(std::string_view(stream.received).substr(2, size));
    if (!answer) return false;
    std::string frame{static_cast<char>(answer->size() >> 8), static_cast<char>(answer->size() & 0xff)};
    frame += *answer;
    if (::send(stream.fd.get(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL) !=
        static_cast<ssize_t>(frame.size())) {
      return false;
    }
    stream.received.erase(0, 2 + size);
  }
  return true;
}

}  // namespace rune::sandbox
