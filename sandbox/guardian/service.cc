#include "sandbox/guardian/service.h"

#include <poll.h>
#include <signal.h>

#include <optional>

#include "sandbox/guardian/confined_child.h"
#include "sandbox/guardian/descriptor_room.h"
#include "sandbox/guardian/guardian.h"
#include "sandbox/protocol/frames.h"

namespace rune::sandbox {
namespace {

constexpr Milliseconds kShutdown{4'000};

class Service {
 public:
  explicit Service(int socket) : socket_(socket) {}

  int Run() {
    loop_.Watch(socket_, POLLIN, [this](short) {
      if (!reader_.Receive(socket_) || !HandleFrames()) gone_ = true;
    });
    loop_.RunUntil([this] { return gone_; });
    loop_.Unwatch(socket_);
    if (!guardian_) return 0;
    guardian_->KillAll(Clock::now() + kShutdown);
    if (!said_bye_) guardian_->RemoveTmp();
    return 0;
  }

 private:
  bool HandleFrames() {
    Frame frame;
    while (true) {
      const auto next = reader_.Next(frame);
      if (!next.ok()) return false;
      if (!*next) return true;
      if (!Handle(frame)) return false;
    }
  }

  /// False on a frame that no client of this build sends: better to stop than to guess.
  bool Handle(const Frame& frame) {
    if ((frame.type == FrameType::kSetup) == guardian_.has_value()) return false;  // once, first
    switch (frame.type) {
      case FrameType::kSetup: {
        const auto setup = Decode<SetupFrame>(frame.body);
        if (setup.ok()) guardian_.emplace(loop_, *setup, [this](const DoneFrame& done) { Send(Encode(done)); });
        return setup.ok();
      }
      case FrameType::kDefine: {
        const auto define = Decode<DefineFrame>(frame.body);
        if (define.ok()) Send(Encode(guardian_->Define(*define)));
        return define.ok();
      }
      case FrameType::kLaunch: {
        auto launch = Decode<LaunchFrame>(frame.body);
        if (launch.ok()) guardian_->Launch(std::move(launch).value(), frame.fds);
        return launch.ok();
      }
      case FrameType::kKill: {
        const auto kill = Decode<KillFrame>(frame.body);
        if (kill.ok()) guardian_->Kill(*kill);
        return kill.ok();
      }
      case FrameType::kBye:
        said_bye_ = true;
        guardian_->LeaveGroup();
        return true;
      case FrameType::kDefined:
      case FrameType::kDone:
        return false;
    }
    return false;
  }

  void Send(const std::string& encoded) {
    if (!SendFrame(socket_, encoded).ok()) gone_ = true;
  }

  EventLoop loop_;
  int socket_;
  bool gone_ = false;
  bool said_bye_ = false;  ///< The client is there to tidy up after us.
  FrameReader reader_;
  std::optional<Guardian> guardian_;
};

}  // namespace

int ServeClient(int socket) {
  for (int signal_number = 1; signal_number < NSIG; ++signal_number) ::signal(signal_number, SIG_DFL);
  // The client's signals are the client's business: it ends us by closing the socket, so that trees are always killed.
  for (const int signal_number : kIgnoredByGuardian) ::signal(signal_number, SIG_IGN);
  TakeDescriptorRoom();
  Service service(socket);
  return service.Run();
}

}  // namespace rune::sandbox
