#pragma once
/// What is to be run: a value that says nothing of how it is confined (sandbox/confinement.h).

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/confinement.h"

namespace rune::sandbox {

/// PATH of every confined command.
inline constexpr const char* kToolPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Tells the commands of one Sandbox apart.
using CommandId = std::uint64_t;

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
  std::string stdin_data;        ///< Given through a memfd; empty means /dev/null. Not of a live command.
  /// argv[0] was looked at and approved although commands may write it: it runs as a sealed copy of the file that is
  /// there when it starts. What it starts itself is not approved.
  bool as_opened = false;
  CommandLimits limits;
  std::size_t keep_head = 48 << 10;  ///< Bytes of each captured stream kept from the start ...
  std::size_t keep_tail = 16 << 10;  ///< ... and from the end; the rest goes to Stream::spill.
};

}  // namespace rune::sandbox
