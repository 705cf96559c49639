#pragma once
/// What client and guardian say to each other over one Unix stream socket: a frame is a 32-bit length, a type and a
/// body of fixed fields in order. Both ends are the same build, so there is no versioning; every read is bounds-checked
/// all the same, because the guardian must not be confused by a client that went wrong.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/command.h"
#include "sandbox/confinement.h"
#include "sandbox/report.h"

namespace rune::sandbox {

enum class FrameType : std::uint8_t {
  kSetup,    ///< client: SetupFrame, once, first
  kDefine,   ///< client: DefineFrame
  kLaunch,   ///< client: LaunchFrame, with stdin, stdout and stderr attached (SCM_RIGHTS)
  kKill,     ///< client: KillFrame
  kBye,      ///< client: no body; it stays to remove the control groups once the guardian has ended
  kDefined,  ///< guardian: DefinedFrame
  kDone,     ///< guardian: DoneFrame
};

struct SetupFrame {
  RunLimits limits;
  std::string tmp_dir;
  std::string proxy;  ///< SandboxOptions::proxy, no_proxy.
  std::string no_proxy;
  Confinement first;  ///< Decides identity and what stays visible below a private /tmp.
};
struct DefineFrame {
  std::uint32_t policy = 0;
  Confinement confinement;
};
struct LaunchFrame {
  CommandId id = 0;
  std::uint32_t policy = 0;
  Command command;  ///< Without stdin_data: that is an attached descriptor.
};
enum class KillReason : std::uint8_t { kCancelled, kOutput };
struct KillFrame {
  CommandId id = 0;
  KillReason reason = KillReason::kCancelled;
  std::uint32_t grace_ms = 0;
};
struct DefinedFrame {
  std::uint32_t policy = 0;
  std::string error;  ///< The confinement cannot be had at all; every launch under it fails.
  std::vector<LayerReport> layers;
  std::vector<std::string> cgroups;  ///< Directories to remove after a kBye.
};
struct DoneFrame {
  CommandId id = 0;
  Report report;
};

std::string Encode(const SetupFrame& frame);
std::string Encode(const DefineFrame& frame);
std::string Encode(const LaunchFrame& frame);
std::string Encode(const KillFrame& frame);
std::string EncodeBye();
std::string Encode(const DefinedFrame& frame);
std::string Encode(const DoneFrame& frame);

/// kProtocol when the body is not exactly one such frame.
template <typename Frame>
Result<Frame> Decode(std::string_view body);

struct Frame {
  FrameType type = FrameType::kSetup;
  std::string body;
  std::vector<UniqueFd> fds;
};

/// Sends one encoded frame, with descriptors attached to its first byte. Blocks.
Result<void> SendFrame(int socket, std::string_view encoded, const std::vector<int>& fds = {});

/// Collects frames from a socket.
class FrameReader {
 public:
  /// Reads what is there (one recvmsg(2)). False at end of file or on an error: the peer is gone.
  bool Receive(int socket);
  /// The next whole frame; false when there is none yet. kProtocol on a bad length.
  Result<bool> Next(Frame& frame);

 private:
  std::string buffer_;
  std::vector<UniqueFd> fds_;
};

}  // namespace rune::sandbox
