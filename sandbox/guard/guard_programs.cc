#include "sandbox/guard/guard_programs.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/layers/seccomp.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxPrograms = 1024;
constexpr int kMaxInterpreters = 4;

/// An executable regular file, opened without any effect: the command may put something else into its place at any
/// moment, and opening a device does things. Invalid when it is none.
UniqueFd ProgramAt(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat info{};
  const bool program =
      file.valid() && ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0;
  return program ? std::move(file) : UniqueFd();
}

/// The program in the first line of a script (execve(2)); empty when there is none.
std::string InterpreterOf(const UniqueFd& program) {
  const std::string link = "/proc/self/fd/" + std::to_string(program.get());
  // Not waiting for a lease that the command holds on it (fcntl(2)).
  const UniqueFd file(::open(link.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) return "";
  std::array<char, 256> head;
  const ssize_t n = ::read(file.get(), head.data(), head.size());
  if (n < 3) return "";
  std::string_view line(head.data(), static_cast<std::size_t>(n));
  if (!line.starts_with("#!")) return "";
  line = Trim(line.substr(2, line.find('\n') - 2));
  return std::string(line.substr(0, line.find_first_of(" \t")));
}

}  // namespace

void GuardPrograms::Execute(const SystemCall& call) {
  Tracee tracee(call.tid);
  const bool at = call.number == SYS_execveat;
  std::string path;
  std::string directory;
  if (tracee.ReadString(call.arguments[at ? 1 : 0], PATH_MAX, path) == 0) {
    const bool by_cwd = !at || call.Int(0) == AT_FDCWD;
    if (!path.starts_with('/')) directory = tracee.Link(by_cwd ? "cwd" : "fd/" + std::to_string(call.Int(0)));
  }
  state_.calls.Continue(call.id);
  if (!path.starts_with('/') && !directory.starts_with('/')) return;
  Note(NormalizePath(path, directory), 0);
}

void GuardPrograms::Note(const std::string& path, int depth) {
  // A search along PATH asks for many files that are not there.
  const UniqueFd program = ProgramAt(path);
  if (!program.valid()) return;
  if (state_.options.watch_only) {
    if (programs_.size() < kMaxPrograms && seen_.insert(path).second) programs_.push_back(path);
  } else if (state_.options.may_execute && !state_.options.may_execute(path)) {
    return NoteRefused(path);
  }
  const std::string interpreter = InterpreterOf(program);
  if (depth < kMaxInterpreters && interpreter.starts_with('/')) Note(NormalizePath(interpreter, "/"), depth + 1);
}

void GuardPrograms::NoteRefused(const std::string& path) {
  const bool denied = IsBelowAny(RealPath(path).value_or(path), state_.options.files->denied);
  state_.notes.Add({.by = DeniedBy::kLandlock,
                    .what = DeniedAct::kExec,
                    .target = path,
                    .remedy = denied ? Remedy() : RemedyOf(Grant::kExecute, path)});
}

void GuardPrograms::Map(const SystemCall& call) {
  const std::string path = Tracee(call.tid).Link("fd/" + std::to_string(call.Int(4)));
  if (!path.starts_with('/') || !state_.options.may_map || state_.options.may_map(path)) {
    return state_.calls.Continue(call.id);
  }
  NoteRefused(path);
  state_.calls.Fail(call.id, EPERM);
}

void GuardPrograms::RefuseSyscall(const SystemCall& call) {
  std::string text = SyscallName(call.number);
  if (const std::string program = Tracee(call.tid).Link("exe"); !program.empty()) text += " (" + program + ")";
  state_.notes.Add({.by = DeniedBy::kSeccomp, .what = DeniedAct::kSyscall, .target = text});
  state_.calls.Fail(call.id, EPERM);
}

}  // namespace rune::sandbox
