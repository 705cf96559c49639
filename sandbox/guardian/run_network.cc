#include "sandbox/guardian/run_network.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "sandbox/protocol/descriptor_passing.h"

namespace rune::sandbox {
namespace {

constexpr int kTcpPorts = 4;  // the ABI of Landlock that has rules for them

}  // namespace

RunNetwork::RunNetwork(EventLoop& loop, const SetupFrame& frame, const Identity& commands, const OwnSockets& own)
    : loop_(loop), commands_(commands), own_(own), no_guard_(WhyNoGuard()), resolver_(loop, SystemResolverConfig()) {
  ::clock_gettime(CLOCK_REALTIME_COARSE, &started_);
  if (auto proxy = ParseUpstreamProxy(frame.proxy); !frame.proxy.empty() && proxy.ok()) {
    proxy_ = std::move(proxy).value();
    proxy_->direct = NoProxy(frame.no_proxy);
  }
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0) {
    listeners_.read.Reset(pair[0]);
    listeners_.write.Reset(pair[1]);
  } else if (no_guard_.empty()) {
    no_guard_ = std::string("socketpair: ") + std::strerror(errno);
  }
}

/// By the commands that have ended and by those that run at the same time.
std::uint64_t RunNetwork::UploadedBeside(CommandId id, const std::string& account) const {
  const auto ended = uploaded_.find(account);
  std::uint64_t sent = ended == uploaded_.end() ? 0 : ended->second;
  for (const auto& [other, guard] : guards_) {
    const auto running = guard->charged().find(account);
    if (other != id && running != guard->charged().end()) sent += running->second;
  }
  return sent;
}

int RunNetwork::Prepare(CommandId id, const CompiledPolicy& policy) {
  if (policy.guarded.empty()) return -1;
  const Confinement& confinement = policy.confinement;
  GuardOptions options;
  options.rules = &policy.domains;
  options.files = &confinement.files;
  options.trees = &policy.trees;
  options.tool_uid = commands_.uid;
  options.tool_gid = commands_.gid;
  options.ports_held = own_.valid() || policy.landlock.abi >= kTcpPorts;
  options.may_map = [&policy](const std::string& path) { return MayMap(policy, path); };
  options.may_execute = [&policy](const std::string& path) { return MayExecute(policy, path); };
  options.started = started_;
  options.upload_left = [this, &confinement, id](const std::string& account) {
    const auto own = confinement.upload_limits.find(account);
    const std::uint64_t limit = own == confinement.upload_limits.end() ? confinement.max_upload_bytes : own->second;
    if (limit == 0) return ~std::uint64_t{0};
    const std::uint64_t sent = UploadedBeside(id, account);
    return limit > sent ? limit - sent : 0;
  };
  if (own_.valid()) {
    options.own_socket = [this](int domain, int type, int protocol) { return own_.Make(domain, type, protocol); };
  }
  options.watch_only = confinement.watch_only;
  options.proxy = proxy_;
  guards_[id] = std::make_unique<NetworkGuard>(loop_, resolver_, std::move(options));
  // One that came too late is another command's.
  while (ReceiveDescriptor(listeners_.read.get(), Milliseconds(0)).valid()) continue;
  return listeners_.write.get();
}

/// The child has sent its listener before it executed the command, or has not got that far.
bool RunNetwork::Serve(CommandId id, Milliseconds patience) {
  const auto guard = guards_.find(id);
  if (guard == guards_.end()) return true;
  UniqueFd listener = ReceiveDescriptor(listeners_.read.get(), patience);
  if (!listener.valid()) return false;
  guard->second->Serve(std::move(listener));
  return true;
}

void RunNetwork::End(CommandId id, Report& report) {
  const auto guard = guards_.extract(id);
  if (guard.empty()) return;
  guard.mapped()->AddTo(report);
  for (const auto& [account, bytes] : guard.mapped()->charged()) uploaded_[account] += bytes;
}

}  // namespace rune::sandbox
