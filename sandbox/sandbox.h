#pragma once
/// The front door of the sandbox: run an untrusted command under a Confinement and learn what happened.
///
///   RUNE_ASSIGN_OR_RETURN(auto sandbox, Sandbox::Create(loop, {.helper = "/usr/libexec/rune/rune-sandbox"}));
///   auto id = sandbox->Launch({.argv = {"git", "status"}, .cwd = "/work"}, confinement, [](Completed done) { ... });
///   loop.RunUntil([&] { return sandbox->running() == 0; });
///
/// Behind it stands one guardian process (`rune-sandbox`), started by the first Prepare() or Launch() with an empty
/// environment and no inherited descriptors. It forks, confines, watches, limits, kills and reports on every command.
/// When the guardian dies, all its trees die and every running call completes with `guardian_lost`.
/// When this object or the process dies, the guardian kills all trees and exits.
/// Thread rule: everything happens on the loop's thread.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/files.h"
#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/confinement.h"
#include "sandbox/probe.h"

namespace rune::sandbox {

struct Command {
  enum class Kind : std::uint8_t {
    kExec,     ///< argv[0] is a program: a path, or a name looked up in kToolPath.
    kBuiltin,  ///< argv[0] is a file operation of sandbox/guardian/file_operations.h, done by the confined child
               ///< itself.
    kProbe,    ///< The acts of sandbox/probe.h, tried by the confined child; argv[0] is only a name.
  };
  Kind kind = Kind::kExec;
  std::vector<std::string> argv;
  std::string cwd = "/";
  std::vector<std::string> env;  ///< "NAME=value", added to the fixed tool environment (TMPDIR, HOME, PATH, ...).
  std::string stdin_data;        ///< Given through a memfd; empty means /dev/null.
  CommandLimits limits;
  std::size_t keep_head = 48 << 10;  ///< Bytes of each stream kept from the start ...
  std::size_t keep_tail = 16 << 10;  ///< ... and from the end; the rest goes to Stream::spill.
};

/// What came out of one stream.
struct Stream {
  std::string head;         ///< All of it when it was at most keep_head + keep_tail bytes.
  std::string tail;         ///< Empty when head holds everything.
  std::uint64_t total = 0;  ///< Bytes produced.
  std::string spill;        ///< File below tmp_dir() with the whole text; empty when head (and tail) hold it.
};

enum class LimitHit : std::uint8_t { kNone, kWall, kMemory, kPids, kCpu, kOutput, kFileSize };
std::string_view LimitHitName(LimitHit limit);

struct Denial {
  std::string layer;        ///< LayerName(), or "policy".
  std::string what;         ///< "exec", "read", "write", "lookup", "connect", "bind", "send", "socket", "syscall".
  std::string target;       ///< Path, name, name:port or address:port, syscall name. Safe text.
  std::uint32_t count = 1;  ///< How often, in this command.
};

/// What one command exchanged with one target. See sandbox/network/ledger.h.
struct Egress {
  std::string target;      ///< Name, or address for what was reached by one. Safe text.
  std::uint16_t port = 0;  ///< 0: only looked up.
  std::uint32_t lookups = 0;
  std::uint32_t connections = 0;
  std::uint32_t refused = 0;   ///< Lookups and connections that policy refused.
  std::uint64_t sent = 0;      ///< Bytes to the server.
  std::uint64_t received = 0;  ///< Bytes from it.

  bool operator==(const Egress&) const = default;
};

/// Everything the guardian knows about a finished command.
struct Report {
  std::optional<int> exit_code;  ///< Set when it exited by itself.
  int signal = 0;                ///< Set when a signal ended it.
  LimitHit limit = LimitHit::kNone;
  bool cancelled = false;  ///< Kill() was called.
  bool guardian_lost = false;
  std::string setup_error;  ///< "exec: Permission denied": a stage before the command ran failed. Else empty.
  int setup_errno = 0;
  std::uint64_t wall_us = 0;
  std::uint64_t cpu_us = 0;
  std::uint64_t max_rss_kb = 0;  ///< Of the largest single process (getrusage(2)).
  std::uint32_t leftovers = 0;   ///< Processes that outlived the command and were killed.
  std::vector<Denial> denials;
  std::vector<Egress> egress;
  std::vector<std::string> programs;  ///< Run by the command, in order, once each. Only in watch-only mode.
};

struct Completed {
  Report report;
  Stream out;
  Stream err;
};

struct SandboxOptions {
  std::string
      helper;  ///< Path of rune-sandbox. Never looked up in PATH: a sandbox that trusts PATH trusts the workspace.
  RunLimits limits;
  std::string proxy;       ///< "http://[user:password@]host[:port]": names are reached through it. Empty: directly.
  std::string no_proxy;    ///< Names that are reached directly all the same, as in the variable of that name.
  std::string tmp_parent;  ///< Where tmp_dir() is made; empty: $TMPDIR's default /tmp.
};

/// PATH of every confined command.
inline constexpr const char* kToolPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

using CommandId = std::uint64_t;

class Sandbox {
 public:
  /// Cheap: makes the private tmp directory, does not start the guardian yet.
  static Result<std::unique_ptr<Sandbox>> Create(EventLoop& loop, SandboxOptions options);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// Starts the guardian and has it compile `confinement`, without waiting. Optional: saves time at the first Launch().
  Result<void> Prepare(const Confinement& confinement);

  /// Starts a command. `done` is called exactly once, from the loop, never from inside Launch().
  /// kUnavailable when the confinement is `kRequire` and a required layer cannot be had: nothing ran.
  Result<CommandId> Launch(Command command, const Confinement& confinement, std::function<void(Completed)> done);
  /// Kills the tree (SIGTERM, then SIGKILL after `grace`); the call still completes through its `done`.
  void Kill(CommandId id, Milliseconds grace = Milliseconds(0));
  std::size_t running() const;

  /// The layers in force for `confinement`, outermost first. Starts the guardian and waits (at most 2 s) if need be.
  Result<std::vector<LayerReport>> Layers(const Confinement& confinement);

  /// Tries forbidden acts under `confinement`, as if a command did, and without it. `done` as in Launch().
  Result<CommandId> Probe(const Confinement& confinement, std::function<void(Result<ProbeReport>)> done);

  /// The run's private directory: writable by every command of this sandbox, gone at the end.
  const std::string& tmp_dir() const;
  /// True when commands see tmp_dir() as /tmp (a mount namespace could be had).
  bool tmp_is_private() const;

 private:
  class Impl;
  explicit Sandbox(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rune::sandbox
