/// rune-sandbox: by hand, one command under all layers; with --guardian, the helper of a client; by the names of its
/// links, one layer alone.

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/files.h"
#include "sandbox/base/held_file.h"
#include "sandbox/base/log.h"
#include "sandbox/guardian/audit.h"
#include "sandbox/guardian/command_line.h"
#include "sandbox/guardian/one_layer.h"
#include "sandbox/guardian/remedy_flags.h"
#include "sandbox/guardian/report_json.h"
#include "sandbox/guardian/service.h"
#include "sandbox/process_list.h"
#include "sandbox/program.h"
#include "sandbox/protocol/connection.h"
#include "sandbox/run_directory.h"

namespace rune::sandbox {
namespace {

constexpr int kExitUsage = 2;
constexpr int kExitLimit = 124;
constexpr int kExitSetup = 126;
constexpr int kExitNotFound = 127;
constexpr int kClientSocket = 3;
constexpr Milliseconds kShutdown{4'000};

/// Copies a stream on, counting.
struct Relay {
  UniqueFd from;
  int to;
};

int ExitCodeOf(const Report& report) {
  if (!report.setup_error.empty()) return report.setup_errno == ENOENT ? kExitNotFound : kExitSetup;
  if (report.limit != LimitHit::kNone) return kExitLimit;
  return report.exit_code ? *report.exit_code : 128 + report.signal;
}

/// By hand: this process keeps its view of the file system, a guardian forked from it does the confining.
class OneCommand {
 public:
  explicit OneCommand(CommandLine line) : line_(std::move(line)), signals_(loop_) {}

  Result<int> Run() {
    // Should the guardian be killed, what its commands had started comes to us.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const std::string parent = RunParent(::getenv("TMPDIR"));
    RUNE_ASSIGN_OR_RETURN(const RunDirectory tmp, RunDirectory::Create(parent));
    RUNE_ASSIGN_OR_RETURN(const pid_t pid, ForkGuardian());
    RemoveAbandonedRuns(parent);
    if (line_.command.cwd.empty()) line_.command.cwd = tmp.path();
    const auto code = Drive(tmp.path());
    guardian_.reset();  // it kills what is left, and ends
    RetryOnEintr([&] { return ::waitpid(pid, nullptr, 0); });
    KillStrayChildren(Clock::now() + kShutdown);
    return code;
  }

 private:
  Result<pid_t> ForkGuardian() {
    int sockets[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return Error::FromErrno("socketpair");
    const pid_t pid = ::fork();
    if (pid < 0) return Error::FromErrno("fork");
    if (pid == 0) {
      ::close(sockets[0]);
      ::setpgid(0, 0);  // a Ctrl-C is for the parent
      ::_exit(ServeClient(sockets[1]));
    }
    ::close(sockets[1]);
    guardian_.emplace(loop_, UniqueFd(sockets[0]),
                      Connection::Answers{.defined = [this](DefinedFrame frame) { defined_ = std::move(frame); },
                                          .done = [this](DoneFrame frame) { done_ = std::move(frame); },
                                          .lost = [this] { lost_ = true; }});
    return pid;
  }

  Result<int> Drive(const std::string& tmp) {
    // Before anything runs that could change what the path leads to.
    if (!line_.report_path.empty() && line_.report_path != "-") {
      RUNE_ASSIGN_OR_RETURN(HeldFile held, HeldFile::Hold(line_.report_path));
      report_ = std::move(held);
    }
    RUNE_RETURN_IF_ERROR(guardian_->Setup({line_.limits, tmp, line_.proxy, "", line_.confinement}));
    RUNE_RETURN_IF_ERROR(guardian_->Define({0, line_.confinement}));
    loop_.RunUntil([this] { return defined_.has_value() || lost_; });
    if (!defined_) return Error{ErrorKind::kUnavailable, "the guardian ended"};
    if (!defined_->error.empty()) return Error{ErrorKind::kUnavailable, defined_->error};
    for (const LayerReport& layer : defined_->layers) {
      if (layer.state == LayerState::kEnforced || layer.state == LayerState::kOff) continue;
      Warn(std::string(LayerName(layer.layer)) + " is " + std::string(LayerStateName(layer.state)) + ": " + layer.why);
    }
    for (const std::string& notice : line_.notices) Warn("rune-sandbox: " + notice);
    RUNE_RETURN_IF_ERROR(Launch());
    const auto finished = [this] { return lost_ || (done_.has_value() && relays_.empty()); };
    if (loop_.RunUntil(finished) == EventLoop::Wake::kInterrupted) Kill(KillReason::kCancelled);
    loop_.Drain(finished, Clock::now() + kShutdown);
    if (!done_) return Error{ErrorKind::kUnavailable, "the guardian ended"};
    return Finish(done_->report);
  }

  Result<void> Launch() {
    std::vector<UniqueFd> stdio;
    RUNE_RETURN_IF_ERROR(OpenStdio(stdio));
    return guardian_->Launch({kOnly, 0, line_.command}, {stdio[0].get(), stdio[1].get(), stdio[2].get()});
  }

  Result<int> Finish(const Report& report) const {
    if (!Exited(report) && !report.cancelled) Log(LogLevel::kError, line_.command.argv[0] + ": " + EndText(report));
    if (const std::string refused = RefusedLine(report.denials); !refused.empty()) Warn("rune-sandbox: " + refused);
    for (const std::string& trouble : report.troubles) Warn("network: " + trouble);
    if (line_.report_path == "-") {
      RUNE_RETURN_IF_ERROR(WriteAll(STDOUT_FILENO, ReportJson(report, defined_->layers)));
    } else if (report_) {
      RUNE_RETURN_IF_ERROR(report_->Write(ReportJson(report, defined_->layers)));
    }
    // What never ran needed nothing: no policy can be told of it.
    if (line_.confinement.watch_only && report.setup_error.empty()) {
      RUNE_RETURN_IF_ERROR(WriteAll(STDERR_FILENO, AuditText(report, FindProgram(line_.command.argv[0]))));
    }
    return loop_.interrupted_by() ? 128 + *loop_.interrupted_by() : ExitCodeOf(report);
  }

  void Warn(const std::string& line) const {
    if (!line_.quiet) Log(LogLevel::kWarn, line);
  }

  /// When it cannot be said, the guardian is lost, and that is heard.
  void Kill(KillReason reason) { const auto said = guardian_->Kill({kOnly, reason, 0}); }

  Result<void> OpenStdio(std::vector<UniqueFd>& stdio) {
    // A terminal is not handed on for reading: whoever holds it could take what the user types.
    const bool terminal = ::isatty(STDIN_FILENO) == 1;
    stdio.emplace_back(terminal ? ::open("/dev/null", O_RDONLY | O_CLOEXEC)
                                : ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
      // Nor for writing: whoever holds a terminal can read from it, change its modes and throw away what was typed.
      if (!line_.capture && ::isatty(fd) != 1) {
        stdio.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
        continue;
      }
      RUNE_ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
      stdio.push_back(std::move(pipe.write));
      const int from = pipe.read.get();
      relays_.emplace(from, Relay{std::move(pipe.read), fd});
      loop_.Watch(from, POLLIN, [this, from](short) { Pass(from); });
    }
    for (UniqueFd& fd : stdio) {
      if (!fd.valid()) fd.Reset(::open("/dev/null", O_RDWR | O_CLOEXEC));  // the caller has closed it
    }
    return Ok();
  }

  void Pass(int from) {
    char buffer[64 << 10];
    const ssize_t n = RetryOnEintr([&] { return ::read(from, buffer, sizeof buffer); });
    if (n <= 0) {
      loop_.Unwatch(from);
      relays_.erase(from);
      return;
    }
    const std::uint64_t room = line_.capture ? line_.command.limits.output_bytes - passed_ : ~std::uint64_t{0};
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(room, static_cast<std::uint64_t>(n)));
    passed_ += take;
    const auto ignored = WriteAll(relays_.at(from).to, std::string_view(buffer, take));
    if (take < static_cast<std::size_t>(n)) Kill(KillReason::kOutput);
  }

  static constexpr CommandId kOnly = 1;
  CommandLine line_;
  std::optional<HeldFile> report_;
  EventLoop loop_;
  SignalWatch signals_;
  std::optional<Connection> guardian_;
  std::optional<DefinedFrame> defined_;
  std::optional<DoneFrame> done_;
  bool lost_ = false;
  std::map<int, Relay> relays_;
  std::uint64_t passed_ = 0;
};

int Main(const std::string& name, const std::vector<std::string>& arguments) {
  FillStandardFds();
  if (arguments.size() == 1 && arguments[0] == "--guardian") return ServeClient(kClientSocket);
  if (IsOneLayerName(name)) return RunOneLayer(name, arguments);
  auto line = ParseCommandLine(arguments);
  if (!line.ok()) {
    Log(LogLevel::kError, "rune-sandbox: " + line.error().message + "; see rune-sandbox --help");
    return kExitUsage;
  }
  if (line->action == CommandLine::Action::kHelp) return WriteAll(STDOUT_FILENO, HelpText()).ok() ? 0 : 1;
  if (line->action == CommandLine::Action::kVersion)
    return WriteAll(STDOUT_FILENO, "rune-sandbox " RUNE_VERSION "\n").ok() ? 0 : 1;
  const auto code = OneCommand(std::move(line).value()).Run();
  if (code.ok()) return *code;
  Log(LogLevel::kError, "rune-sandbox: " + code.error().message);
  return kExitSetup;
}

}  // namespace
}  // namespace rune::sandbox

int main(int argc, char** argv) {
  const std::string path = argc > 0 ? argv[0] : "";
  return rune::sandbox::Main(path.substr(path.rfind('/') + 1), {argv + std::min(argc, 1), argv + argc});
}
