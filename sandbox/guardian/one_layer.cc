#include "sandbox/guardian/one_layer.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/base/log.h"
#include "sandbox/guardian/command_line.h"
#include "sandbox/layers/landlock.h"
#include "sandbox/layers/seccomp.h"
#include "sandbox/program.h"

namespace rune::sandbox {
namespace {

constexpr int kExitUsage = 2;
constexpr int kExitSetup = 126;
constexpr int kExitNotFound = 127;

int Fail(const std::string& name, const std::string& why, int code) {
  Log(LogLevel::kError, name + ": " + why);
  return code;
}

/// The seccomp filter carries two layers. By itself it leaves the network alone, and rune-net-guard only closes that.
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

}  // namespace

bool IsOneLayerName(const std::string& name) {
  return name == "rune-seccomp" || name == "rune-landlock" || name == "rune-net-guard";
}

int RunOneLayer(const std::string& name, const std::vector<std::string>& arguments) {
  auto line = ParseCommandLine(arguments);
  if (!line.ok()) return Fail(name, line.error().message, kExitUsage);
  if (line->action != CommandLine::Action::kRun || line->command.kind == Command::Kind::kBuiltin) {
    return Fail(name, "usage: " + name + " [flags of rune-sandbox] -- command", kExitUsage);
  }
  const std::string program = FindProgram(line->command.argv[0]);
  if (program.empty()) return Fail(name, line->command.argv[0] + ": no such command", kExitNotFound);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Fail(name, std::strerror(errno), kExitSetup);
  Confinement confinement = line->confinement;
  // Landlock's own TCP rights belong to the network layer.
  if (name != "rune-net-guard") confinement.network = Network::kOpen;
  const auto entered = name == "rune-landlock" ? EnterFiles(confinement) : EnterFilter(confinement);
  if (!entered.ok()) return Fail(name, entered.error().message, kExitSetup);
  std::vector<char*> argv;
  for (std::string& argument : line->command.argv) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  return Fail(name, program + ": " + std::strerror(errno), kExitSetup);
}

}  // namespace rune::sandbox
