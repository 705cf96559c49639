#pragma once
/// Layer 3 (and the closed network of layer 2): one seccomp(2) allow-list filter.
/// Unknown system call -> ENOSYS, known-bad -> EPERM, foreign architecture -> killed, arguments checked where it
/// matters.

#include <linux/filter.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/confinement.h"

namespace rune::sandbox {

struct SeccompPolicy {
  /// kClosed: socket(2) only makes AF_UNIX stream and seqpacket sockets, and connect(2) is refused: no filter can see
  /// the path. kGuarded: the guard is asked (sandbox/guard/guard.h). kOpen: socket(2) makes TCP, UDP and route
  /// sockets and no AF_UNIX ones. socketpair(2) works in all.
  Network network = Network::kClosed;
  std::vector<std::string> denied_syscalls;  ///< Each name closes its whole family.
  /// kDenials: ask the guard about what is known to be bad, which it refuses and notes, about execve(2), which it only
  /// notes, and about changes of files' metadata, which it performs. kMaps: about files that are mapped for execution,
  /// too. Both need a listener.
  enum class Notify : std::uint8_t { kNothing, kDenials, kMaps } notify = Notify::kNothing;
  /// Return address of the one execve(2) that is not notified: the one that starts the command, while the guardian
  /// waits for it. Whoever jumps there gains nothing but an unnoted execve.
  std::uint64_t silent_exec = 0;
  /// Where nothing counts what the kernel holds for sockets: sending buffers keep their default size, and asking for
  /// another (SO_SNDBUF) succeeds without an effect.
  bool default_buffers = false;
  bool own_ipc = false;  ///< System V and POSIX IPC end at the run (ipc_namespaces(7)).
  /// What no layer beneath holds here. With a listener the guard is asked about it, without one it is refused as far as
  /// registers say who or what is meant.
  struct Unheld {
    bool truncation = false;  ///< Of files that may only be read: Landlock before ABI 3.
    bool signals = false;     ///< To processes outside: Landlock before ABI 6, and no process ids of the run's own.
  };
  Unheld unheld;
  /// Processes that get no signal from here, nor their groups, where signals are unheld and there is no listener: the
  /// guardian may be of the same user.
  std::vector<pid_t> out_of_reach;
};

using BpfProgram = std::vector<sock_filter>;

/// kInvalidInput on an unknown system call name, naming the nearest one. Pure but for time (libseccomp).
Result<BpfProgram> CompileSeccomp(const SeccompPolicy& policy);
/// The family of a name: "ptrace" -> ptrace, process_vm_readv, ...; "mount" -> mount, umount2, move_mount, fsopen, ...
std::vector<std::string> SyscallFamily(std::string_view name);

/// "ptrace"; "system call 999" when it has no name.
std::string SyscallName(int number);

/// seccomp(2) SECCOMP_SET_MODE_FILTER. Returns 0 or errno. Safe between fork and exec; no_new_privs must be set.
int InstallSeccomp(const BpfProgram& program);
/// The same with SECCOMP_FILTER_FLAG_NEW_LISTENER: the listener (close-on-exec), or a negative errno. EBUSY: there is
/// one already. A notified call waits killably once it was received (5.19), so that no signal tears it apart.
int InstallSeccompWithListener(const BpfProgram& program);
/// False when the kernel has no seccomp filters.
bool SeccompAvailable();

/// For tests and for the curious: what `program` answers, computed in user space (SECCOMP_RET_*).
struct SyscallProbe {
  int nr = 0;
  std::uint32_t arch = 0;  ///< 0: the native one.
  std::uint64_t args[6] = {};
};
std::uint32_t EvaluateSeccomp(const BpfProgram& program, const SyscallProbe& probe);

}  // namespace rune::sandbox
