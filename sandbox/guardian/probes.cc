#include "sandbox/guardian/probes.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"

namespace rune::sandbox {
namespace {

/// The first existing candidate that no grant covers.
template <typename Granted>
std::string FirstOutside(std::initializer_list<const char*> candidates, Granted granted) {
  for (const char* path : candidates) {
    if (Exists(path) && !granted(path)) return path;
  }
  return "";
}

UniqueFd BoundSocket(int type, sockaddr_in& address) {
  UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return fd;
}

/// Bound without a name, so that the kernel gives an abstract one.
UniqueFd AbstractListener(std::string& name) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(sa_family_t));
  ::listen(fd.get(), 4);
  socklen_t length = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
  name.assign(address.sun_path, length - offsetof(sockaddr_un, sun_path));
  return fd;
}

std::string NameOf(int outcome) {
  if (outcome == kProbeNotTried) return "not tried";
  if (outcome == 0) return "done";
  const char* name = ::strerrorname_np(outcome);
  return name == nullptr ? std::to_string(outcome) : name;
}

}  // namespace

ProbeTargets MakeProbeTargets(const CompiledPolicy& policy) {
  const FileAccess& files = policy.confinement.files;
  ProbeTargets targets;
  targets.tcp = BoundSocket(SOCK_STREAM, targets.tcp_address);
  ::listen(targets.tcp.get(), 4);
  targets.udp = BoundSocket(SOCK_DGRAM, targets.udp_address);
  targets.abstract = AbstractListener(targets.abstract_name);
  const auto readable = [&](const std::string& path) {
    const std::string real = RealPath(path).value_or(path);
    return IsBelowAny(real, files.read) || IsBelowAny(real, files.write) || IsBelowAny(real, files.execute);
  };
  const auto writable = [&](const std::string& path) { return IsBelowAny(RealPath(path).value_or(path), files.write); };
  const auto executable = [&](const std::string& path) { return MayExecute(policy, path); };
  targets.unreadable = FirstOutside({"/var", "/home", "/boot", "/srv", "/mnt", "/"}, readable);
  targets.unwritable = FirstOutside({"/var/tmp", "/dev/shm", "/run", "/"}, writable);
  targets.forbidden_program =
      FirstOutside({"/usr/bin/true", "/usr/bin/false", "/usr/bin/uname", "/bin/true", "/bin/busybox"}, executable);
  if (!files.denied.empty()) targets.denied = files.denied.front();
  targets.guardian = ::getpid();
  targets.network_is_open = policy.confinement.network == Network::kOpen || policy.confinement.watch_only;
  return targets;
}

void TryProbes(const ProbeTargets& targets, std::array<int, kProbeCount>& outcomes) {
  for (std::size_t i = 0; i < kProbeCount; ++i) {
    const ProbeAct& act = ProbeActs()[i];
    const bool open = targets.network_is_open && (act.layer == Layer::kNetwork || act.layer == Layer::kNames);
    outcomes[i] = open ? kProbeNotTried : act.attempt(targets);
  }
}

std::vector<ProbeResult> JudgeProbes(const ProbeOutcomes& outcomes) {
  std::vector<ProbeResult> results;
  for (std::size_t i = 0; i < kProbeCount; ++i) {
    const ProbeAct& act = ProbeActs()[i];
    const auto refused = [&](int outcome) {
      return outcome > 0 && std::find(act.refusals.begin(), act.refusals.end(), outcome) != act.refusals.end();
    };
    ProbeResult result{act.layer, act.name, ProbeState::kOpen, NameOf(outcomes.inside[i]), NameOf(outcomes.outside[i])};
    if (outcomes.inside[i] == kProbeNotTried) result.state = ProbeState::kNotTried;
    if (refused(outcomes.inside[i]))
      result.state = refused(outcomes.outside[i]) ? ProbeState::kClosedHere : ProbeState::kClosed;
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace rune::sandbox
