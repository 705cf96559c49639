#include "sandbox/protocol/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <utility>

namespace rune::sandbox {

Connection::Connection(EventLoop& loop, UniqueFd socket, Answers answers)
    : loop_(loop), socket_(std::move(socket)), answers_(std::move(answers)) {
  loop_.Watch(socket_.get(), POLLIN, [this](short) { Receive(); });
}

Connection::~Connection() { loop_.Unwatch(socket_.get()); }

Result<void> Connection::Send(const std::string& encoded, const std::vector<int>& fds) {
  auto sent = SendFrame(socket_.get(), encoded, fds);
  // Half a frame may be on its way, so that nothing sensible can follow. The loop sees the end of file.
  if (!sent.ok()) ::shutdown(socket_.get(), SHUT_RDWR);
  return sent;
}

void Connection::Receive() {
  if (!reader_.Receive(socket_.get())) return Lose();
  const std::weak_ptr here(here_);
  Frame frame;
  while (!here.expired()) {
    const auto next = reader_.Next(frame);
    if (!next.ok()) return Lose();
    if (!*next) return;
    if (!Hear(frame)) return Lose();
  }
}

/// False on a frame that no guardian of this build sends.
bool Connection::Hear(const Frame& frame) {
  switch (frame.type) {
    case FrameType::kDefined: {
      auto defined = Decode<DefinedFrame>(frame.body);
      if (!defined.ok()) return false;
      const auto hear = answers_.defined;  // not a member while it runs: it may destroy them all
      hear(std::move(defined).value());
      return true;
    }
    case FrameType::kDone: {
      auto done = Decode<DoneFrame>(frame.body);
      if (!done.ok()) return false;
      const auto hear = answers_.done;
      hear(std::move(done).value());
      return true;
    }
    case FrameType::kSetup:
    case FrameType::kDefine:
    case FrameType::kLaunch:
    case FrameType::kKill:
    case FrameType::kBye:
      return false;
  }
  return false;
}

void Connection::Lose() {
  loop_.Unwatch(socket_.get());
  const auto lost = std::move(answers_.lost);
  lost();
}

}  // namespace rune::sandbox
