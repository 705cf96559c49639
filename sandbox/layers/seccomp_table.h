#pragma once
/// The system call policy as data. Names are resolved for the running architecture by libseccomp, so that one table
/// serves all of them; a name that an architecture does not have is passed over. What no table names answers ENOSYS:
/// programs then fall back as on an older kernel, and whatever the next kernel adds stays closed.

#include <linux/seccomp.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace rune::sandbox {

inline constexpr std::uint32_t kSeccompAllow = SECCOMP_RET_ALLOW;
/// The guard decides (seccomp_unotify(2)).
inline constexpr std::uint32_t kSeccompNotify = SECCOMP_RET_USER_NOTIF;
constexpr std::uint32_t SeccompErrno(int err) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(err); }

/// System calls that get one answer whatever their arguments are.
struct SyscallGroup {
  std::string_view reason;
  std::uint32_t action = kSeccompAllow;
  std::span<const std::string_view> names;
};

/// A test of the low 32 bits of one argument: all that the kernel looks at in an int or unsigned int. Comparing 64 bits
/// would let a call pass a denial with garbage in the upper half (the class of CVE-2019-10063).
struct ArgumentTest {
  enum class Kind : std::uint8_t { kNone, kEqual, kAnyBit, kNotNull };
  Kind kind = Kind::kNone;
  std::uint8_t argument = 0;  ///< 0..5
  std::uint32_t mask = ~0u;   ///< kEqual: (argument & mask) == value. kAnyBit: (argument & mask) != 0.
                              ///< kNotNull: all 64 bits of a pointer.
  std::uint32_t value = 0;
};

/// One of several rules of a system call: the first whose tests all hold answers. The last one has no test.
struct ArgumentRule {
  std::string_view name;
  std::uint32_t action = kSeccompAllow;
  std::array<ArgumentTest, 3> tests{};
};

/// Allowed and refused system calls; later groups do not repeat a name.
std::span<const SyscallGroup> SyscallGroups();
/// Of one of these groups: what reaches nobody else where the run has an IPC namespace of its own (ipc_namespaces(7)).
std::span<const std::string_view> SystemVCalls();
/// Rules on arguments for every kind of network, then those of each kind, which replace the common ones of the same
/// name. Rules of a name are adjacent.
std::span<const ArgumentRule> CommonRules();
std::span<const ArgumentRule> ClosedNetworkRules();
std::span<const ArgumentRule> GuardedNetworkRules();
std::span<const ArgumentRule> OpenNetworkRules();
/// Calls on the metadata of files, and mapping them for execution: asked of the guard where there is one.
std::span<const std::string_view> GuardedFileCalls();
std::span<const ArgumentRule> GuardedMapRules();
/// Where signals are not held otherwise: asked of the guard. Before the common rules of the same names.
std::span<const ArgumentRule> GuardedSignalRules();
/// Where truncation is not: refused where flags say all, else asked of the guard. Before the common rules, likewise.
std::span<const ArgumentRule> GuardedTruncationRules();
/// Questions about the network interfaces of the machine, which any socket answers: none, or asked of the guard. Before
/// the common rules.
std::span<const ArgumentRule> ClosedInterfaceRules();
std::span<const ArgumentRule> GuardedInterfaceRules();
/// Names that reach the same end: whoever denies one means all.
std::span<const std::span<const std::string_view>> SyscallFamilies();

/// System calls that are newer than the supported libseccomp; their numbers are the same on every architecture.
struct NewerSyscall {
  std::string_view name;
  int number = 0;
};
std::span<const NewerSyscall> NewerSyscalls();

}  // namespace rune::sandbox
