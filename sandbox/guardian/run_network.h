#pragma once
/// The network of a run: what all its commands get instead of the machine's, and a guard for each while it runs.

#include <time.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/command.h"
#include "sandbox/guard/guard.h"
#include "sandbox/guardian/compiled_policy.h"
#include "sandbox/guardian/own_sockets.h"
#include "sandbox/layers/identity.h"
#include "sandbox/network/relay_proxy.h"
#include "sandbox/network/resolver.h"
#include "sandbox/protocol/frames.h"
#include "sandbox/report.h"

namespace rune::sandbox {

class RunNetwork {
 public:
  /// While this process still has the capabilities that it will ever have. `commands`: who they are.
  /// `own`: of the run's own network, borrowed.
  RunNetwork(EventLoop& loop, const SetupFrame& frame, const Identity& commands, const OwnSockets& own);
  RunNetwork(const RunNetwork&) = delete;
  RunNetwork& operator=(const RunNetwork&) = delete;

  /// Why there can be no guard here; empty: there can.
  const std::string& no_guard() const { return no_guard_; }

  /// Makes the guard of a command that is about to be started under `policy` (borrowed until End()). Returns the socket
  /// through which its child hands over the listener of its filter; -1 when there is nothing to guard.
  int Prepare(CommandId id, const CompiledPolicy& policy);
  /// The command was started: its guard answers from now on. False when its listener did not come within `patience`;
  /// true when there is no guard.
  bool Serve(CommandId id, Milliseconds patience);
  /// The command has ended: adds what its guard saw, if it had one.
  void End(CommandId id, Report& report);
  /// It could not be started.
  void Abandon(CommandId id) { guards_.erase(id); }

 private:
  std::uint64_t UploadedBeside(CommandId id, const std::string& account) const;

  EventLoop& loop_;
  const Identity commands_;
  const OwnSockets& own_;
  timespec started_{};
  std::optional<UpstreamProxy> proxy_;
  std::string no_guard_;
  Pipe listeners_;  ///< Ends of a socket pair.
  Resolver resolver_;
  std::map<std::string, std::uint64_t> uploaded_;  ///< Under each entry, by the commands that have ended.
  std::map<CommandId, std::unique_ptr<NetworkGuard>> guards_;
};

}  // namespace rune::sandbox
