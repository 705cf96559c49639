#pragma once
/// The front door of the sandbox: run an untrusted command under a Confinement and learn what happened.
///
///   RUNE_ASSIGN_OR_RETURN(auto sandbox, Sandbox::Create(loop, {.helper = "/usr/libexec/rune/rune-sandbox"}));
///   auto id = sandbox->Launch({.argv = {"git", "status"}, .cwd = "/work"}, confinement, [](Completed done) { ... });
///   loop.RunUntil([&] { return sandbox->running() == 0; });
///
/// Behind it stands one guardian process (`rune-sandbox`), started when it is first needed, with an empty
/// environment and no inherited descriptors. It forks, confines, watches, limits, kills and reports on every command.
/// When the guardian dies, all its trees die and every running call completes with `guardian_lost`.
/// When this object or the process dies, the guardian kills all trees and exits.
/// Thread rule: everything happens on the loop's thread.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/files.h"
#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/command.h"
#include "sandbox/confinement.h"
#include "sandbox/probe.h"
#include "sandbox/report.h"

namespace rune::sandbox {

struct SandboxOptions {
  std::string
      helper;  ///< Path of rune-sandbox. Never looked up in PATH: a sandbox that trusts PATH trusts the workspace.
  RunLimits limits;
  std::string proxy;       ///< "http://[user:password@]host[:port]": names are reached through it. Empty: directly.
  std::string no_proxy;    ///< Names that are reached directly all the same, as in the variable of that name.
  std::string tmp_parent;  ///< Where tmp_dir() is made; empty: $TMPDIR's default /tmp.
};

/// A command whose standard streams its caller holds: pipes, non-blocking and close-on-exec.
struct LiveCommand {
  CommandId id = 0;
  UniqueFd in;   ///< To its standard input. Closing it is the end of file there.
  UniqueFd out;  ///< From its standard output ...
  UniqueFd err;  ///< ... and its standard error. What it had written can still be read after its end.
};

class Sandbox {
 public:
  /// Cheap: makes the private tmp directory, does not start the guardian yet.
  static Result<std::unique_ptr<Sandbox>> Create(EventLoop& loop, SandboxOptions options);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// Starts a command. `done` is called exactly once, from the loop, never from inside Launch().
  /// kUnavailable when the confinement is `kRequire` and a required layer cannot be had: nothing ran.
  Result<CommandId> Launch(Command command, const Confinement& confinement, std::function<void(Completed)> done);
  /// The same for a command that its caller talks with while it runs. Nothing is captured: the streams of Completed are
  /// empty, CommandLimits::output_bytes does not count, and a command whose output nobody reads waits. `done` comes
  /// when the command has ended, whoever still holds its streams. kInvalidInput when there is stdin_data. Writing to a
  /// command that has closed its end raises SIGPIPE, unless that is ignored (SignalWatch does).
  Result<LiveCommand> LaunchLive(Command command, const Confinement& confinement, std::function<void(Completed)> done);
  /// Kills the tree (SIGTERM, then SIGKILL after `grace`); the call still completes through its `done`.
  void Kill(CommandId id, Milliseconds grace = Milliseconds(0));
  std::size_t running() const;

  /// The layers in force for `confinement`, outermost first. Starts the guardian and waits (at most 2 s) if need be.
  Result<std::vector<LayerReport>> Layers(const Confinement& confinement);

  /// Tries forbidden acts under `confinement`, as if a command did, and without it. `done` as in Launch().
  Result<CommandId> Probe(const Confinement& confinement, std::function<void(Result<ProbeReport>)> done);

  /// The run's private directory: writable by every command of this sandbox, gone at the end.
  const std::string& tmp_dir() const;

 private:
  class Impl;
  explicit Sandbox(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rune::sandbox
