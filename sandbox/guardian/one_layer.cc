#include "sandbox/guardian/one_layer.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"
#include "sandbox/domain_allowlist.h"
#include "sandbox/guard/guard.h"
#include "sandbox/guardian/command_line.h"
#include "sandbox/guardian/descriptor_room.h"
#include "sandbox/layers/landlock.h"
#include "sandbox/layers/seccomp.h"
#include "sandbox/network/resolver.h"
#include "sandbox/program.h"
#include "sandbox/protocol/descriptor_passing.h"

namespace rune::sandbox {
namespace {

constexpr int kExitUsage = 2;
constexpr int kExitSetup = 126;
constexpr int kExitNotFound = 127;
constexpr Milliseconds kPatience{2'000};

int Fail(const std::string& name, const std::string& why, int code) {
  Log(LogLevel::kError, name + ": " + why);
  return code;
}

/// The seccomp filter carries two layers. By itself it leaves the network alone.
Result<void> EnterFilter(const Confinement& confinement) {
  RUNE_ASSIGN_OR_RETURN(const BpfProgram program, CompileSeccomp({.network = confinement.network,
                                                                  .denied_syscalls = confinement.denied_syscalls}));
  if (const int err = InstallSeccomp(program)) return Error::FromErrno("seccomp", err);
  return Ok();
}

Result<void> EnterFiles(const Confinement& confinement) {
  RUNE_ASSIGN_OR_RETURN(const LandlockRuleset ruleset, BuildLandlock(confinement));
  if (const int err = InstallLandlock(ruleset.fd.get())) return Error::FromErrno("landlock_restrict_self", err);
  return Ok();
}

[[noreturn]] void BecomeGuarded(const BpfProgram& filter, int socket, const std::string& program,
                                const std::vector<char*>& argv) {
  const int listener = InstallSeccompWithListener(filter);
  if (listener < 0 || SendDescriptor(socket, listener) != 0) ::_exit(kExitSetup);
  ::execv(program.c_str(), argv.data());
  ::_exit(kExitSetup);
}

int ExitCodeOf(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

/// The command in a child, its guard here.
Result<int> RunGuarded(const Confinement& confinement, const std::string& program, const std::vector<char*>& argv) {
  RUNE_ASSIGN_OR_RETURN(const DomainAllowlist domains, DomainAllowlist::Parse(confinement.allowed_domains));
  RUNE_ASSIGN_OR_RETURN(const BpfProgram filter, CompileSeccomp({.network = Network::kGuarded,
                                                                 .denied_syscalls = confinement.denied_syscalls,
                                                                 .notify = SeccompPolicy::Notify::kDenials}));
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return Error::FromErrno("socketpair");
  const UniqueFd ours(pair[0]);
  const UniqueFd theirs(pair[1]);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what it orphans stays readable where only ancestors may look (Yama)
  const pid_t child = ::fork();
  if (child < 0) return Error::FromErrno("fork");
  if (child == 0) BecomeGuarded(filter, theirs.get(), program, argv);
  EventLoop loop;
  const SignalWatch signals(loop);
  Resolver resolver(loop, SystemResolverConfig());
  // Files are no business of this layer, as long as nobody names any.
  FileAccess files = ResolveAccess(confinement.files);
  if (confinement.files.write.empty()) files.write = {"/"};
  const HeldTrees trees(files);
  TakeDescriptorRoom();
  NetworkGuard guard(loop, resolver, {.rules = &domains, .files = &files, .trees = &trees, .tool_uid = ::geteuid()});
  UniqueFd listener = ReceiveDescriptor(ours.get(), kPatience);
  const bool guarded = listener.valid();
  if (guarded) guard.Serve(std::move(listener));
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  loop.Watch(handle.get(), POLLIN, [](short) {});
  int status = 0;
  const auto ended = [&] { return ::waitpid(child, &status, WNOHANG) != 0; };
  if (loop.RunUntil(ended) == EventLoop::Wake::kInterrupted) {
    ::kill(child, SIGKILL);
    loop.Drain(ended, Clock::now() + kPatience);
  }
  loop.Unwatch(handle.get());
  if (!guarded) return Error{ErrorKind::kUnavailable, "the network cannot be guarded here: " + WhyNoGuard()};
  return ExitCodeOf(status);
}

std::string HelpOf(const std::string& name) {
  const char* const what = name == "rune-seccomp"    ? "the filter of system calls (--deny-syscall, --net)"
                           : name == "rune-landlock" ? "Landlock (--system, --ro, --rox, --rw, --deny)"
                                                     : "the network guard (--allow-domain, --net)";
  return "Usage: " + name +
         " [flags of rune-sandbox] -- command [arguments]\n\nRuns a command under one layer alone, " + what +
         ", to try it by hand. The flags are explained by rune-sandbox --help.\n";
}

}  // namespace

bool IsOneLayerName(const std::string& name) {
  return name == "rune-seccomp" || name == "rune-landlock" || name == "rune-net-guard";
}

int RunOneLayer(const std::string& name, const std::vector<std::string>& arguments) {
  auto line = ParseCommandLine(arguments);
  if (!line.ok()) return Fail(name, line.error().message, kExitUsage);
  if (line->action == CommandLine::Action::kHelp) return WriteAll(STDOUT_FILENO, HelpOf(name)).ok() ? 0 : 1;
  if (line->action == CommandLine::Action::kVersion)
    return WriteAll(STDOUT_FILENO, name + " " RUNE_VERSION "\n").ok() ? 0 : 1;
  if (line->command.kind == Command::Kind::kBuiltin) {
    return Fail(name, "usage: " + name + " [flags of rune-sandbox] -- command", kExitUsage);
  }
  const std::string program = FindProgram(line->command.argv[0]);
  if (program.empty()) return Fail(name, line->command.argv[0] + ": no such command", kExitNotFound);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Fail(name, std::strerror(errno), kExitSetup);
  std::vector<char*> argv;
  for (std::string& argument : line->command.argv) argv.push_back(argument.data());
  argv.push_back(nullptr);
  Confinement confinement = line->confinement;
  if (name == "rune-net-guard" && confinement.network == Network::kGuarded) {
    const auto code = RunGuarded(confinement, program, argv);
    return code.ok() ? *code : Fail(name, code.error().message, kExitSetup);
  }
  // Landlock's own TCP rights belong to the network layer.
  if (name != "rune-net-guard") confinement.network = Network::kOpen;
  const auto entered = name == "rune-landlock" ? EnterFiles(confinement) : EnterFilter(confinement);
  if (!entered.ok()) return Fail(name, entered.error().message, kExitSetup);
  ::execv(program.c_str(), argv.data());
  return Fail(name, program + ": " + std::strerror(errno), kExitSetup);
}

}  // namespace rune::sandbox
