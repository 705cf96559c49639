#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/capture.h"
#include "sandbox/command.h"
#include "sandbox/process_list.h"
#include "sandbox/protocol/connection.h"
#include "sandbox/report.h"
#include "sandbox/run_directory.h"

namespace rune::sandbox {
namespace {

constexpr Milliseconds kAnswerTimeout{2'000};
constexpr Milliseconds kStreamGrace{500};  ///< For the streams to end after the command was reported dead.
constexpr Milliseconds kShutdown{5'000};
constexpr Milliseconds kProbeTimeout{5'000};
constexpr Milliseconds kWatchdog{15'000};  ///< Beyond a command's wall clock.
constexpr int kGuardianSocket = 3;

/// One end of a pipe that its caller must never wait for.
Result<UniqueFd> NonBlocking(UniqueFd fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return Error::FromErrno("fcntl");
  return fd;
}

/// Starts the helper with an empty environment and nothing but the socket.
Result<pid_t> SpawnGuardian(const std::string& helper, int socket) {
  // Opened here, because posix_spawn(3) does not say which of its steps failed.
  RUNE_ASSIGN_OR_RETURN(const UniqueFd null, OpenFile("/dev/null", O_RDWR));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // The socket last, over whatever has its number; to itself, a descriptor loses close-on-exec (posix_spawn(3)).
  posix_spawn_file_actions_adddup2(&actions, null.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, null.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, socket, kGuardianSocket);
  posix_spawn_file_actions_addclosefrom_np(&actions, kGuardianSocket + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  // Own group: a Ctrl-C on the terminal is for the client, which then ends the guardian in order.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::string name = "rune-sandbox";
  std::string flag = "--guardian";
  char* argv[] = {name.data(), flag.data(), nullptr};
  char* env[] = {nullptr};
  pid_t pid = -1;
  const int err = ::posix_spawn(&pid, helper.c_str(), &actions, &attributes, argv, env);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (err != 0) return Error::FromErrno(helper, err);
  return pid;
}

/// Waits for the guardian to end by itself; kills it when it does not.
void AwaitExit(pid_t guardian) {
  // glibc 2.36 has no C++-safe declaration of pidfd_open(2).
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, guardian, 0)));
  const TimePoint deadline = Clock::now() + kShutdown;
  while (RetryOnEintr([&] { return ::waitpid(guardian, nullptr, WNOHANG); }) == 0) {
    if (Clock::now() >= deadline) {
      ::kill(guardian, SIGKILL);
      RetryOnEintr([&] { return ::waitpid(guardian, nullptr, 0); });
      return;
    }
    pollfd ended{handle.get(), POLLIN, 0};
    // Without a handle (before 5.3, or refused by an outer filter) in short steps.
    ::poll(&ended, 1, handle.valid() ? 100 : 1);
  }
}

}  // namespace

class Sandbox::Impl {
 public:
  Impl(EventLoop& loop, SandboxOptions options, RunDirectory tmp)
      : loop_(loop), options_(std::move(options)), tmp_(std::move(tmp)) {}
  ~Impl() { Stop(); }

  Result<std::uint32_t> Define(const Confinement& confinement);
  Result<CommandId> Launch(Command command, const Confinement& confinement, std::function<void(Completed)> done);
  Result<LiveCommand> LaunchLive(Command command, const Confinement& confinement, std::function<void(Completed)> done);
  void Kill(CommandId id, KillReason reason, Milliseconds grace);
  Result<std::vector<LayerReport>> Layers(const Confinement& confinement);
  std::size_t running() const { return calls_.size(); }
  const std::string& tmp_dir() const { return tmp_.path(); }

 private:
  struct Policy {
    Confinement confinement;
    std::optional<DefinedFrame> answer;
  };
  /// The output streams of a command, taken in.
  struct Output {
    UniqueFd fds[2];  ///< Until their end.
    std::unique_ptr<Capture> captures[2];
    std::uint64_t limit = 0;
    bool over = false;

    bool ended() const { return !fds[0].valid() && !fds[1].valid(); }
  };
  struct Call {
    std::function<void(Completed)> done;
    std::optional<Output> output;  ///< None when the caller has the streams.
    std::optional<Report> report;
    EventLoop::TimerId grace_timer = 0;
    EventLoop::TimerId watchdog = 0;
  };

  Result<void> Start(const Confinement& first);
  void Stop();
  Result<std::uint32_t> Admit(const Confinement& confinement);
  Result<void> Begin(LaunchFrame frame, const std::vector<int>& stdio, Call call);
  void OnDefined(DefinedFrame answer);
  void OnDone(DoneFrame done);
  void OnOutput(CommandId id, int stream);
  void FinishIfComplete(CommandId id);
  void Finish(CommandId id);
  void Complete(Call call);
  /// Nothing on the loop is the call's any more.
  void Forget(const Call& call);
  void Lost();

  EventLoop& loop_;
  SandboxOptions options_;
  RunDirectory tmp_;
  std::vector<std::string> cgroups_;
  std::optional<Connection> guardian_;  ///< None while no guardian runs.
  pid_t pid_ = -1;                      ///< Of the guardian.
  std::vector<Policy> policies_;
  std::map<CommandId, Call> calls_;
  CommandId next_id_ = 1;
};

Result<void> Sandbox::Impl::Start(const Confinement& first) {
  if (guardian_) return Ok();
  // Before the helper, which is found by it.
  if (!CanSeeProcesses()) return Error{ErrorKind::kUnavailable, "there is no /proc that shows processes"};
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return Error::FromErrno("socketpair");
  UniqueFd ours(sockets[0]);
  const UniqueFd theirs(sockets[1]);
  auto pid = SpawnGuardian(options_.helper, theirs.get());
  if (!pid.ok()) return Error{ErrorKind::kUnavailable, "cannot start the sandbox helper: " + pid.error().message};
  pid_ = *pid;
  policies_.clear();
  RemoveAbandonedRuns(ParentOf(tmp_.path()));  // while the helper starts
  guardian_.emplace(loop_, std::move(ours),
                    Connection::Answers{.defined = [this](DefinedFrame frame) { OnDefined(std::move(frame)); },
                                        .done = [this](DoneFrame frame) { OnDone(std::move(frame)); },
                                        .lost = [this] { Lost(); }});
  return guardian_->Setup({options_.limits, tmp_.path(), options_.proxy, options_.no_proxy, first});
}

void Sandbox::Impl::Stop() {
  if (!guardian_) return;
  for (const auto& [id, call] : calls_) Forget(call);
  calls_.clear();
  const bool said = guardian_->Bye().ok();
  guardian_.reset();
  AwaitExit(pid_);
  // A leftover is removed by the next guardian.
  for (const std::string& dir : cgroups_) {
    if (said) ::rmdir(dir.c_str());
  }
}

Result<std::uint32_t> Sandbox::Impl::Define(const Confinement& confinement) {
  RUNE_RETURN_IF_ERROR(Start(confinement));
  for (std::uint32_t i = 0; i < policies_.size(); ++i) {
    if (policies_[i].confinement == confinement) return i;
  }
  const auto number = static_cast<std::uint32_t>(policies_.size());
  policies_.push_back({confinement, std::nullopt});
  RUNE_RETURN_IF_ERROR(guardian_->Define({number, confinement}));
  return number;
}

Result<std::vector<LayerReport>> Sandbox::Impl::Layers(const Confinement& confinement) {
  RUNE_ASSIGN_OR_RETURN(const std::uint32_t number, Define(confinement));
  const auto answered = [&] { return number >= policies_.size() || policies_[number].answer.has_value(); };
  loop_.Drain(answered, Clock::now() + kAnswerTimeout);
  if (number >= policies_.size() || !policies_[number].answer)
    return Error{ErrorKind::kUnavailable, "the sandbox helper does not answer"};
  const DefinedFrame& answer = *policies_[number].answer;
  if (!answer.error.empty()) return Error{ErrorKind::kUnavailable, answer.error};
  return answer.layers;
}

/// The number of a policy under which something may be launched.
Result<std::uint32_t> Sandbox::Impl::Admit(const Confinement& confinement) {
  if (confinement.enforcement == Enforcement::kRequire) RUNE_RETURN_IF_ERROR(Layers(confinement));
  return Define(confinement);
}

Result<CommandId> Sandbox::Impl::Launch(Command command, const Confinement& confinement,
                                        std::function<void(Completed)> done) {
  RUNE_ASSIGN_OR_RETURN(const std::uint32_t policy, Admit(confinement));
  RUNE_ASSIGN_OR_RETURN(const UniqueFd in, StdinFor(command.stdin_data));
  command.stdin_data.clear();
  RUNE_ASSIGN_OR_RETURN(Pipe out, MakePipe());
  RUNE_ASSIGN_OR_RETURN(Pipe err, MakePipe());
  const CommandId id = next_id_++;
  Output output;
  output.limit = command.limits.output_bytes;
  for (const int stream : {0, 1}) {
    const std::string spill = tmp_.path() + "/output-" + std::to_string(id) + (stream == 0 ? ".txt" : "-stderr.txt");
    output.captures[stream] =
        std::make_unique<Capture>(Capture::Options{command.keep_head, command.keep_tail, tmp_.descriptor(), spill});
    RUNE_ASSIGN_OR_RETURN(output.fds[stream], NonBlocking(std::move((stream == 0 ? out : err).read)));
  }
  const int fds[] = {output.fds[0].get(), output.fds[1].get()};
  RUNE_RETURN_IF_ERROR(Begin({id, policy, std::move(command)}, {in.get(), out.write.get(), err.write.get()},
                             {.done = std::move(done), .output = std::move(output)}));
  for (const int stream : {0, 1}) {
    loop_.Watch(fds[stream], POLLIN, [this, id, stream](short) { OnOutput(id, stream); });
  }
  return id;
}

Result<LiveCommand> Sandbox::Impl::LaunchLive(Command command, const Confinement& confinement,
                                              std::function<void(Completed)> done) {
  if (!command.stdin_data.empty()) return Error::Invalid("a live command is given its input while it runs");
  RUNE_ASSIGN_OR_RETURN(const std::uint32_t policy, Admit(confinement));
  RUNE_ASSIGN_OR_RETURN(Pipe in, MakePipe());
  RUNE_ASSIGN_OR_RETURN(Pipe out, MakePipe());
  RUNE_ASSIGN_OR_RETURN(Pipe err, MakePipe());
  LiveCommand live;
  live.id = next_id_++;
  RUNE_ASSIGN_OR_RETURN(live.in, NonBlocking(std::move(in.write)));
  RUNE_ASSIGN_OR_RETURN(live.out, NonBlocking(std::move(out.read)));
  RUNE_ASSIGN_OR_RETURN(live.err, NonBlocking(std::move(err.read)));
  RUNE_RETURN_IF_ERROR(Begin({live.id, policy, std::move(command)}, {in.read.get(), out.write.get(), err.write.get()},
                             {.done = std::move(done)}));
  return live;
}

/// Has the guardian start a command with these standard streams.
Result<void> Sandbox::Impl::Begin(LaunchFrame frame, const std::vector<int>& stdio, Call call) {
  RUNE_RETURN_IF_ERROR(guardian_->Launch(frame, stdio));
  const Milliseconds wall = frame.command.limits.wall;
  if (wall.count() > 0) {
    // The guardian keeps the time. Should it hang, somebody must notice.
    call.watchdog = loop_.At(Clock::now() + wall + kWatchdog, [this] { Lost(); });
  }
  calls_.emplace(frame.id, std::move(call));
  return Ok();
}

void Sandbox::Impl::Kill(CommandId id, KillReason reason, Milliseconds grace) {
  if (!calls_.contains(id) || !guardian_) return;
  // When it cannot be said, the guardian is lost, and the call with it.
  const auto said = guardian_->Kill({id, reason, static_cast<std::uint32_t>(grace.count())});
}

void Sandbox::Impl::OnDefined(DefinedFrame answer) {
  if (answer.policy >= policies_.size()) return;
  cgroups_ = answer.cgroups;
  policies_[answer.policy].answer = std::move(answer);
}

void Sandbox::Impl::OnDone(DoneFrame done) {
  const CommandId id = done.id;
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  found->second.report = std::move(done.report);
  // Nothing of the tree is left, so the pipes end now; the timer is for a descriptor that was passed elsewhere.
  found->second.grace_timer = loop_.At(Clock::now() + kStreamGrace, [this, id] { Finish(id); });
  FinishIfComplete(id);
}

void Sandbox::Impl::OnOutput(CommandId id, int stream) {
  Output& output = *calls_.at(id).output;
  char buffer[64 << 10];
  const ssize_t n = RetryOnEintr([&] { return ::read(output.fds[stream].get(), buffer, sizeof buffer); });
  if (n < 0 && errno == EAGAIN) return;
  if (n > 0) {
    output.captures[stream]->Append(std::string_view(buffer, static_cast<std::size_t>(n)));
    const std::uint64_t total = output.captures[0]->total() + output.captures[1]->total();
    if (total > output.limit && !output.over) {
      output.over = true;
      Kill(id, KillReason::kOutput, Milliseconds(0));
    }
    return;
  }
  loop_.Unwatch(output.fds[stream].get());
  output.fds[stream].Reset();
  FinishIfComplete(id);
}

void Sandbox::Impl::FinishIfComplete(CommandId id) {
  const Call& call = calls_.at(id);
  if (call.report && (!call.output || call.output->ended())) Finish(id);
}

void Sandbox::Impl::Forget(const Call& call) {
  loop_.CancelTimer(call.grace_timer);
  loop_.CancelTimer(call.watchdog);
  if (!call.output) return;
  for (const UniqueFd& fd : call.output->fds) {
    if (fd.valid()) loop_.Unwatch(fd.get());
  }
}

void Sandbox::Impl::Finish(CommandId id) { Complete(std::move(calls_.extract(id).mapped())); }

void Sandbox::Impl::Complete(Call call) {
  Forget(call);
  Completed completed{.report = std::move(*call.report)};
  if (call.output) {
    completed.out = call.output->captures[0]->Take();
    completed.err = call.output->captures[1]->Take();
  }
  call.done(std::move(completed));
}

/// The guardian is gone, and with it the commands it ran (PR_SET_PDEATHSIG). What those had started comes to us when we
/// are a subreaper. The next launch starts a new guardian.
void Sandbox::Impl::Lost() {
  guardian_.reset();
  ::kill(pid_, SIGKILL);
  RetryOnEintr([&] { return ::waitpid(pid_, nullptr, 0); });
  KillStrayChildren(Clock::now() + kAnswerTimeout);
  policies_.clear();
  // All of them before any is told: who is told may launch the next one and run the loop.
  std::map<CommandId, Call> lost = std::exchange(calls_, {});
  for (const auto& [id, call] : lost) Forget(call);
  for (auto& [id, call] : lost) {
    call.report.emplace().guardian_lost = true;
    Complete(std::move(call));
  }
}

Result<std::unique_ptr<Sandbox>> Sandbox::Create(EventLoop& loop, SandboxOptions options) {
  const std::string parent = options.tmp_parent.empty() ? "/tmp" : options.tmp_parent;
  auto tmp = RunDirectory::Create(parent);
  if (!tmp.ok()) return std::move(tmp).error();
  return std::unique_ptr<Sandbox>(
      new Sandbox(std::make_unique<Impl>(loop, std::move(options), std::move(tmp).value())));
}

Sandbox::Sandbox(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sandbox::~Sandbox() = default;

Result<CommandId> Sandbox::Launch(Command command, const Confinement& confinement,
                                  std::function<void(Completed)> done) {
  return impl_->Launch(std::move(command), confinement, std::move(done));
}
Result<LiveCommand> Sandbox::LaunchLive(Command command, const Confinement& confinement,
                                        std::function<void(Completed)> done) {
  return impl_->LaunchLive(std::move(command), confinement, std::move(done));
}
Result<CommandId> Sandbox::Probe(const Confinement& confinement, std::function<void(Result<ProbeReport>)> done) {
  Command command;
  command.kind = Command::Kind::kProbe;
  command.argv = {"probe"};
  command.limits.wall = kProbeTimeout;
  return impl_->Launch(std::move(command), confinement, [done = std::move(done)](const Completed& completed) {
    if (completed.report.exit_code != 0) {
      const std::string& why = completed.report.setup_error;
      return done(Error{ErrorKind::kUnavailable, why.empty() ? "the probes did not end" : why});
    }
    auto results = ReadProbeLines(completed.out.head);
    if (!results.ok()) return done(std::move(results).error());
    done(ProbeReport{std::move(results).value(), completed.report.wall_us});
  });
}
void Sandbox::Kill(CommandId id, Milliseconds grace) { impl_->Kill(id, KillReason::kCancelled, grace); }
std::size_t Sandbox::running() const { return impl_->running(); }
Result<std::vector<LayerReport>> Sandbox::Layers(const Confinement& confinement) { return impl_->Layers(confinement); }
const std::string& Sandbox::tmp_dir() const { return impl_->tmp_dir(); }

}  // namespace rune::sandbox
