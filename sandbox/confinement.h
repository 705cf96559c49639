#pragma once
/// What a confined command may do: a plain value, built by policy code, enforced by the guardian.
/// Everything that is not granted here is closed. Paths are absolute; a missing path is skipped.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rune::sandbox {

/// The five layers, outermost first. The order is the order of every report.
enum class Layer : std::uint8_t { kLimits, kNetwork, kSeccomp, kLandlock, kNames };
inline constexpr std::size_t kLayerCount = 5;
inline constexpr std::array<Layer, kLayerCount> kAllLayers{Layer::kLimits, Layer::kNetwork, Layer::kSeccomp,
                                                           Layer::kLandlock, Layer::kNames};
/// "limits", "network", "seccomp", "landlock", "names".
std::string_view LayerName(Layer layer);
std::optional<Layer> ParseLayer(std::string_view name);

enum class LayerState : std::uint8_t {
  kOff,       ///< Not asked for (the policy opens it).
  kEnforced,  ///< In force, to the full depth asked for.
  kDegraded,  ///< In force, but less than asked for; `why` says what is missing.
  kMissing,   ///< Cannot be had here; `why` says the reason.
};
std::string_view LayerStateName(LayerState state);

struct LayerReport {
  Layer layer = Layer::kLimits;
  LayerState state = LayerState::kOff;
  std::string mechanism;  ///< For instance "cgroup v1", "Landlock ABI 7, exec list".
  std::string why;        ///< Empty unless degraded or missing.
};

enum class Network : std::uint8_t {
  kClosed,   ///< No internet socket can be made.
  kGuarded,  ///< Names and addresses of `allowed_domains`, through the guard; nothing else. An empty list is nothing
             ///< but the command's own servers on loopback. Closed where no guard can be had.
  kOpen,     ///< The host's network, unfiltered. Only when the policy says so by name.
};

/// Limits of one Sandbox: memory and pids are shared by all commands that it runs at the same time, disk by all ever.
struct RunLimits {
  std::uint64_t memory_bytes = 2048ull << 20;  ///< 0: none. Swap is not extra.
  std::uint32_t pids = 512;                    ///< Processes and threads. 0: none.
  std::uint64_t disk_bytes = 0;                ///< Space that files take, counted (guardian/disk_use.h). 0: none.
};

/// Limits of one command and everything it starts.
struct CommandLimits {
  std::chrono::milliseconds wall{120'000};   ///< Of the whole tree. 0: none, for what runs until it is told to end.
  std::uint32_t cpu_seconds = 0;             ///< Of the whole tree, counted every 50 ms. 0: none.
  std::uint64_t file_bytes = 1ull << 30;     ///< Size of a written file (RLIMIT_FSIZE). 0: none.
  std::uint32_t open_files = 1024;           ///< RLIMIT_NOFILE.
  std::uint64_t output_bytes = 64ull << 20;  ///< Captured of stdout and stderr together; above it the tree is killed.
};

struct FileAccess {
  std::vector<std::string> read;       ///< Files or trees that may be read and listed, not executed.
  std::vector<std::string> execute;    ///< Files or trees that may be read and executed.
  std::vector<std::string> write;      ///< Files or trees that may be read, written and created in; executed only where
                                       ///< `execute` has them too.
  std::vector<std::string> list_only;  ///< Trees inside a `read` tree whose entries may be listed, but whose files may
                                       ///< not be read unless another entry names them: programs that are not allowed.
  std::vector<std::string> denied;     ///< Wins over everything above.
  /// What some command of the run executes although commands may write it. Mounts are made once, for all commands, and
  /// must leave it open; it grants nothing.
  std::vector<std::string> execute_later = {};

  bool operator==(const FileAccess&) const = default;
};

enum class Enforcement : std::uint8_t {
  kBestEffort,  ///< Run with the layers that can be had; report the others.
  kRequire,     ///< Refuse to run unless every layer in `required` is enforced.
};
/// Nothing may run unless the layer of `report` is enforced: it is one of `required`, or that list is empty and the
/// policy itself does not leave the layer open.
bool Requires(Enforcement enforcement, const std::vector<Layer>& required, const LayerReport& report);

/// What may change of that which makes programs run later, outside of the confinement: a repository's settings and
/// hooks.
enum class GitConfig : std::uint8_t {
  kReadOnly,  ///< Nothing of the settings, either.
  kGuarded,   ///< All but what makes git run programs.
  kOpen,      ///< Everything.
};

struct Confinement {
  FileAccess files;
  Network network = Network::kGuarded;
  std::vector<std::string> allowed_domains;            ///< Entries of sandbox/domain_allowlist.h, of kGuarded.
  std::uint64_t max_upload_bytes = 0;                  ///< Under each entry, by all commands of the run. 0: no cap.
  std::map<std::string, std::uint64_t> upload_limits;  ///< For single entries (without ports), instead of that.
  std::vector<std::string> denied_syscalls;  ///< Names, each extended to its family (open -> openat, openat2, ...).
  Enforcement enforcement = Enforcement::kBestEffort;
  std::vector<Layer> required;  ///< With kRequire; empty means all five.
  GitConfig git_config = GitConfig::kGuarded;
  bool ci_files_protected = false;  ///< File operations leave files alone that tell a CI service what to run.
  std::string home;                 ///< The user's, whose start files are protected; empty: none.
  bool watch_only = false;  ///< Network and programs are watched, not held: to learn a policy, never to run under.

  bool operator==(const Confinement&) const = default;
};

/// What ordinary programs need to start and find their way: libraries, the well-known names of /etc, /proc, a few
/// devices. Programs can be listed, not read and not executed. What /etc keeps from others is denied, and so are files
/// of settings that hold a credential, whatever their mode: they are added to `credentials`. Only paths that exist.
FileAccess SystemRead(std::vector<std::string>* credentials = nullptr);
/// For one file operation, and for no command: what must be writable so that it can make `path`, an entry of `write`
/// that is not there yet. That is the nearest directory above it that is; a command could make other files in it.
void GrantMaking(const std::string& path, FileAccess& files);
/// Directories that hold programs: /usr/bin, /bin, ...
const std::vector<std::string>& ProgramDirs();

}  // namespace rune::sandbox
