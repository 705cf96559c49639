#pragma once
/// A refusal as a value: what was refused, by whom, and what would allow it. Every layer notes the same few words, and
/// a check of texts does too; they become flags, lines of a file or sentences only where somebody reads them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rune::sandbox {

/// Who said no.
enum class DeniedBy : std::uint8_t {
  kNetwork,
  kSeccomp,
  kLandlock,
  kNames,
  kIdentity,  ///< The file system's own permissions, for the uid that a command has: no list can change that.
  kPolicy,    ///< A check of what was asked for, before anything ran.
};
/// LayerName() of a layer, "identity", "policy".
std::string_view DeniedByName(DeniedBy by);

/// What was refused.
enum class DeniedAct : std::uint8_t {
  kExec,      ///< Running or loading a program. Target: its path, or its name where that is all there is.
  kRead,      ///< Target: a path.
  kWrite,     ///< Target: a path.
  kMetadata,  ///< Changing mode, owner, times or attributes. Target: a path.
  kLookup,    ///< Target: a name.
  kConnect,   ///< Target: name:port, address:port, or the path of a Unix socket.
  kSend,      ///< A datagram. Target: name:port or address:port.
  kBind,      ///< Serving. Target: address:port.
  kSocket,    ///< A call on a socket that could not be looked at.
  kTls,       ///< What a client said in its TLS hello. Target: name:port of the connection, and why.
  kHttp,      ///< What a client said in a request's head. Target: as for kTls.
  kAddress,   ///< Where an allowed name leads. Target: name:port, and the addresses.
  kUpload,    ///< More bytes to one target. Target: name:port, and why.
  kSyscall,   ///< Target: the system call, and the program that made it.
  kRunLater,  ///< Changing what makes programs run later, outside of all this. Target: a path, and the setting in it.
};
/// "exec", "read", "write", "metadata", ...: one word, the same in every report.
std::string_view DeniedActName(DeniedAct act);

/// What can be granted.
enum class Grant : std::uint8_t {
  kNothing,         ///< Nothing that can be granted would allow it.
  kExecute,         ///< Programs, by path or name.
  kExecuteWritten,  ///< Files or trees, although commands may write them.
  kRead,            ///< Files or trees.
  kWrite,           ///< Files or trees.
  kDomain,          ///< Entries of sandbox/domain_allowlist.h.
  kGitConfig,       ///< Settings and hooks of repositories. No entries.
  kUpload,  ///< Bytes to one target without a cap: how many are needed nobody knows before they were sent. No entries.
};

/// The grant that would have allowed what was refused, besides those there are. True: with it the same act succeeds, as
/// far as it is up to us.
struct Remedy {
  Grant grant = Grant::kNothing;
  std::vector<std::string> entries;

  bool operator==(const Remedy&) const = default;
};
/// Nothing, when `entry` is empty, or not a text that can be shown and copied as it is: then no line could be true.
Remedy RemedyOf(Grant grant, const std::string& entry);

struct Denial {
  DeniedBy by = DeniedBy::kPolicy;
  DeniedAct what = DeniedAct::kExec;
  std::string target;  ///< For people. Safe text.
  Remedy remedy;
  std::uint32_t count = 1;  ///< How often, in this command.
};

}  // namespace rune::sandbox
