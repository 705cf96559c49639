#pragma once
/// One client and its server: bytes both ways, looked at, counted, and never more than 64 KiB waiting on either way.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/network/relay.h"
#include "sandbox/network/relay_inspector.h"

namespace rune::sandbox {

class RelayConnection {
 public:
  /// Borrows `options`. `closed` is called once, never from inside the constructor; it may destroy the connection.
  RelayConnection(EventLoop& loop, const RelayOptions& options, RelayTarget target, UniqueFd client,
                  std::function<void()> closed);
  ~RelayConnection();  ///< Resets both sides, unless both had ended.
  RelayConnection(const RelayConnection&) = delete;
  RelayConnection& operator=(const RelayConnection&) = delete;

  /// Once: the server is there. May call `closed`.
  void Attach(UniqueFd upstream);

 private:
  struct Side {
    UniqueFd fd;
    std::string out;     ///< Waits to be written to it.
    bool ended = false;  ///< Nothing more is read from it.
    bool shut = false;   ///< Nothing more is written to it.
    short watched = -1;  ///< Events; -1: none, not even hang-ups.
  };
  enum class Outcome : std::uint8_t { kGoOn, kRefused };

  void OnEvent(Side& side);
  bool CanRead(const Side& side) const;
  Outcome Read(Side& side);
  Outcome TakeFromClient(std::string_view bytes);
  Outcome HearServer(std::string_view bytes);
  Outcome EndOfClient();
  /// Sends what the socket takes and keeps the rest.
  Outcome Write(Side& side, std::string_view bytes);
  Outcome Flush(Side& side);
  std::size_t UploadLeft(const Side& side, std::size_t wanted) const;
  void Lost(Side& side);
  void Settle();
  void Watch(Side& side);
  void StartHelloTimer();
  void StopHelloTimer();
  Outcome Refuse(const RelayRefusal& refusal);
  /// What the inspector has found.
  Outcome RefuseClient();
  void Close();

  Side& Other(const Side& side) { return &side == &client_ ? upstream_ : client_; }
  const Side& Other(const Side& side) const { return &side == &client_ ? upstream_ : client_; }
  /// Where everything is allowed, there is nothing to check.
  bool Enforces() const { return options_.inspect && !options_.rules->every(); }
  Egress& Counts() { return options_.ledger->At(target_.key(), target_.port); }

  EventLoop& loop_;
  const RelayOptions& options_;
  RelayTarget target_;
  const std::string account_;  ///< What its bytes count against.
  std::function<void()> closed_;
  Side client_;
  Side upstream_;
  std::optional<ClientInspector> inspector_;
  EventLoop::TimerId hello_timer_ = 0;
  bool broken_ = false;  ///< One side is gone without an orderly end: the other shall not see one either.
};

}  // namespace rune::sandbox
