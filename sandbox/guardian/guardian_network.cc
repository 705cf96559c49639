/// How a guardian gives its commands a network: what it can get, once, and a guard per command.
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "sandbox/base/files.h"
#include "sandbox/guardian/guardian.h"
#include "sandbox/layers/empty_network.h"
#include "sandbox/protocol/descriptor_passing.h"

namespace rune::sandbox {
namespace {

constexpr Milliseconds kProbeSetup{500};
/// Reading the memory of a process with another uid takes this (ptrace(2), access mode checking).
bool MayReadOthers() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, held) != 0) return false;
  return (held[0].effective & (1u << CAP_SYS_PTRACE)) != 0;
}

}  // namespace

void Guardian::SetupNetwork(const SetupFrame& frame) {
  if (auto proxy = ParseUpstreamProxy(frame.proxy); !frame.proxy.empty() && proxy.ok()) {
    proxy_ = std::move(proxy).value();
    proxy_->direct = NoProxy(frame.no_proxy);
  }
  facts_.no_guard = WhyNoGuard();
  ::clock_gettime(CLOCK_REALTIME_COARSE, &started_);
  facts_.silent_exec = CommandExecSite();
  facts_.out_of_reach = {::getpid(), ::getppid()};
  resolver_.emplace(loop_, SystemResolverConfig());
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0) {
    listeners_.read.Reset(pair[0]);
    listeners_.write.Reset(pair[1]);
  } else if (facts_.no_guard.empty()) {
    facts_.no_guard = std::string("socketpair: ") + std::strerror(errno);
  }
  if (frame.first.network == Network::kOpen) return;
  if (auto empty = MakeEmptyNetwork(); empty.ok()) empty_network_ = std::move(empty).value();
  facts_.empty_network = empty_network_.valid();
}

/// A guard reads addresses out of its commands' memory. Root without CAP_SYS_PTRACE, as in most containers, cannot do
/// that to another uid: then the guardian becomes that uid for good, which is all it needs from here on.
void Guardian::BecomeToolUser() {
  if (!identity_.change || identity_.uid == 0 || MayReadOthers()) return;
  if (ApplyIdentity(identity_) != 0) return;  // half a change is none: ids come before capabilities
  identity_.change = false;
}

/// By the commands that have ended and by those that run at the same time.
std::uint64_t Guardian::UploadedBeside(CommandId id, const std::string& target) const {
  const auto ended = uploaded_.find(target);
  std::uint64_t sent = ended == uploaded_.end() ? 0 : ended->second;
  for (const auto& [pid, call] : calls_) {
    if (call.guard && call.id != id) sent += call.guard->SentTo(target);
  }
  return sent;
}

std::unique_ptr<NetworkGuard> Guardian::MakeGuard(const CompiledPolicy& policy, CommandId id) {
  if (policy.guarded.empty()) return nullptr;
  const Confinement& confinement = policy.confinement;
  GuardOptions options;
  options.rules = &policy.domains;
  options.files = &confinement.files;
  options.tool_uid = identity_.uid;
  options.may_map = [&policy](const std::string& path) { return MayMap(policy, path); };
  options.may_execute = [&policy](const std::string& path) { return MayExecute(policy, path); };
  options.started = started_;
  options.upload_left = [this, &confinement, id](const std::string& target) {
    const auto own = confinement.upload_limits.find(target);
    const std::uint64_t limit = own == confinement.upload_limits.end() ? confinement.max_upload_bytes : own->second;
    if (limit == 0) return ~std::uint64_t{0};
    const std::uint64_t sent = UploadedBeside(id, target);
    return limit > sent ? limit - sent : 0;
  };
  options.watch_only = confinement.watch_only;
  options.proxy = proxy_;
  return std::make_unique<NetworkGuard>(loop_, *resolver_, std::move(options));
}

/// The control comes first: a child without any confinement tries the same.
void Guardian::PlanProbe(const CompiledPolicy& policy, Call& call, ChildPlan& plan) const {
  call.probe = std::make_unique<ProbeTargets>(MakeProbeTargets(policy));
  call.probe->own_directory = tmp_is_private_ ? "/tmp" : tmp_dir_;
  call.probe->limits = limits_;
  call.probe->command = plan.rlimits.command;
  call.probe->counts_pids = (cgroup_ && cgroup_->has_pids()) || plan.rlimits.processes > 0;
  plan.probe = call.probe.get();
  plan.outcomes = &plan.status->outcomes;
  const pid_t control = ::fork();
  if (control == 0) {
    call.probe->unconfined = true;
    TryProbes(*call.probe, plan.outcomes->outside);
    ::_exit(0);
  }
  RetryOnEintr([&] { return ::waitpid(control, nullptr, 0); });
}

/// The child has sent its listener before it executed the command, or has not got that far.
void Guardian::StartGuard(Call& call, pid_t pid) {
  if (!call.guard) return;
  // Only a probing child is still on its way.
  const auto patience = call.probe ? kProbeSetup : Milliseconds(0);
  UniqueFd listener = ReceiveDescriptor(listeners_.read.get(), patience);
  if (listener.valid()) return call.guard->Serve(std::move(listener));
  // A probing child that is not ready by now must not send its listener to the guard of the next command.
  if (call.probe) ::kill(pid, SIGKILL);
}

void Guardian::EndGuard(Call& call, Report& report) {
  if (!call.guard) return;
  call.guard->AddTo(report);
  call.guard.reset();
  for (const Egress& egress : report.egress) uploaded_[egress.target] += egress.sent;
}

}  // namespace rune::sandbox
