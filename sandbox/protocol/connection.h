#pragma once
/// The client's end of the conversation with a guardian (frames.h): says what is to be done, hears what came of it, and
/// notices when nobody is there any more. Thread rule: everything happens on the loop's thread.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/protocol/frames.h"

namespace rune::sandbox {

class Connection {
 public:
  /// Called from the loop, never from inside a method of this class. Each may run the loop and destroy the connection.
  struct Answers {
    std::function<void(DefinedFrame)> defined;
    std::function<void(DoneFrame)> done;
    /// At most once, and the last: the guardian is gone, could not be told something, or said what no guardian of this
    /// build says.
    std::function<void()> lost;
  };
  Connection(EventLoop& loop, UniqueFd socket, Answers answers);
  ~Connection();  ///< The guardian sees the end of file, kills every tree and ends.
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Each sends one frame and blocks until it is on its way. A failure ends the conversation, too: `lost` follows.
  Result<void> Setup(const SetupFrame& frame) { return Send(Encode(frame)); }
  Result<void> Define(const DefineFrame& frame) { return Send(Encode(frame)); }
  /// `stdio` (three, borrowed) becomes the standard streams of the command.
  Result<void> Launch(const LaunchFrame& frame, const std::vector<int>& stdio) { return Send(Encode(frame), stdio); }
  Result<void> Kill(const KillFrame& frame) { return Send(Encode(frame)); }
  /// The client stays, to remove the control groups and the private directory once the guardian has ended.
  Result<void> Bye() { return Send(EncodeBye()); }

 private:
  Result<void> Send(const std::string& encoded, const std::vector<int>& fds = {});
  void Receive();
  bool Hear(const Frame& frame);
  void Lose();

  EventLoop& loop_;
  UniqueFd socket_;
  Answers answers_;
  FrameReader reader_;
  std::shared_ptr<int> here_ = std::make_shared<int>();  ///< Whoever hears an answer may have us gone afterwards.
};

}  // namespace rune::sandbox
