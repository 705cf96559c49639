#pragma once
/// Kernel constants that the headers of the supported distributions do not have yet (Debian 12 carries those of 6.1),
/// each with the kernel that introduced it. Numbers are stable: include/uapi/linux/ of the kernel sources.

#include <cstdint>

namespace rune::sandbox::kernel {

// landlock(7): rights on files.
inline constexpr std::uint64_t kFsExecute = 1ull << 0;       // ABI 1, Linux 5.13
inline constexpr std::uint64_t kFsWriteFile = 1ull << 1;     // ABI 1
inline constexpr std::uint64_t kFsReadFile = 1ull << 2;      // ABI 1
inline constexpr std::uint64_t kFsReadDir = 1ull << 3;       // ABI 1
inline constexpr std::uint64_t kFsRemoveDir = 1ull << 4;     // ABI 1
inline constexpr std::uint64_t kFsRemoveFile = 1ull << 5;    // ABI 1
inline constexpr std::uint64_t kFsMakeChar = 1ull << 6;      // ABI 1
inline constexpr std::uint64_t kFsMakeDir = 1ull << 7;       // ABI 1
inline constexpr std::uint64_t kFsMakeReg = 1ull << 8;       // ABI 1
inline constexpr std::uint64_t kFsMakeSock = 1ull << 9;      // ABI 1
inline constexpr std::uint64_t kFsMakeFifo = 1ull << 10;     // ABI 1
inline constexpr std::uint64_t kFsMakeBlock = 1ull << 11;    // ABI 1
inline constexpr std::uint64_t kFsMakeSymlink = 1ull << 12;  // ABI 1
inline constexpr std::uint64_t kFsRefer = 1ull << 13;        // ABI 2, Linux 5.19
inline constexpr std::uint64_t kFsTruncate = 1ull << 14;     // ABI 3, Linux 6.2
inline constexpr std::uint64_t kFsIoctlDev = 1ull << 15;     // ABI 5, Linux 6.10
/// The rights that make sense on something that is not a directory; the kernel refuses a file rule with any other.
inline constexpr std::uint64_t kFsFileRights = kFsExecute | kFsWriteFile | kFsReadFile | kFsTruncate | kFsIoctlDev;

// landlock(7): rights on TCP ports and scopes.
inline constexpr std::uint64_t kNetBindTcp = 1ull << 0;         // ABI 4, Linux 6.7
inline constexpr std::uint64_t kNetConnectTcp = 1ull << 1;      // ABI 4
inline constexpr std::uint64_t kScopeAbstractUnix = 1ull << 0;  // ABI 6, Linux 6.12
inline constexpr std::uint64_t kScopeSignal = 1ull << 1;        // ABI 6

/// struct landlock_ruleset_attr as of ABI 6. An older kernel takes the longer form as long as the fields that it does
/// not know are zero.
struct RulesetAttr {
  std::uint64_t handled_fs = 0;
  std::uint64_t handled_net = 0;
  std::uint64_t scoped = 0;
};
inline constexpr unsigned kCreateRulesetVersion = 1u << 0;
inline constexpr int kRulePathBeneath = 1;
/// struct landlock_path_beneath_attr.
struct [[gnu::packed]] PathBeneathAttr {
  std::uint64_t rights = 0;
  std::int32_t parent_fd = -1;
};

}  // namespace rune::sandbox::kernel
