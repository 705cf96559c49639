#include "sandbox/guardian/guardian.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/guardian/descriptor_room.h"
#include "sandbox/guardian/file_operations.h"
#include "sandbox/guardian/system_v.h"
#include "sandbox/layers/landlock.h"
#include "sandbox/process_list.h"
#include "sandbox/program.h"

namespace rune::sandbox {
namespace {

constexpr Milliseconds kProbeSetup{500};
constexpr std::size_t kMaxTarget = 4096;

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

ChildStatus* MapStatus() {
  void* page = ::mmap(nullptr, sizeof(ChildStatus), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? nullptr : new (page) ChildStatus;
}

Report ReportOf(const EndedTree& tree, const ChildStatus& child) {
  Report report;
  if (WIFEXITED(tree.status)) report.exit_code = WEXITSTATUS(tree.status);
  if (WIFSIGNALED(tree.status)) report.signal = WTERMSIG(tree.status);
  if (child.error != 0) {
    report.exit_code.reset();
    report.setup_errno = child.error;
    report.setup_error = std::string(StageName(child.stage)) + ": " + std::strerror(child.error);
  }
  report.limit = tree.limit;
  report.cancelled = tree.cancelled;
  report.wall_us = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(tree.wall).count());
  report.cpu_us = static_cast<std::uint64_t>(tree.cpu.count());
  report.max_rss_kb = static_cast<std::uint64_t>(tree.usage.ru_maxrss);
  report.leftovers = tree.leftovers;
  report.oom_kills = tree.oom_kills;
  report.forks_refused = tree.forks_refused;
  return report;
}

/// Why nothing can be run here at all; empty when it can.
std::string CannotWork() {
  if (const std::uint64_t room = TakeDescriptorRoom(); room < kLeastDescriptors) {
    return "too few files may be open here (RLIMIT_NOFILE is " + std::to_string(room) + "; " +
           std::to_string(kLeastDescriptors) + " are needed)";
  }
  if (CanSeeProcesses()) return "";
  return "there is no /proc that shows processes: what a command starts could not be killed";
}

/// The program of a command: a path is one in its directory, not in ours, and a name one of its PATH.
std::string ProgramOf(const Command& command) {
  const std::string& name = command.argv[0];
  if (name.find('/') != std::string::npos) return FindProgram(name.starts_with('/') ? name : command.cwd + "/" + name);
  constexpr std::string_view kPath = "PATH=";
  std::string_view search = kToolPath;
  for (const std::string& entry : command.env) {
    if (entry.starts_with(kPath)) search = std::string_view(entry).substr(kPath.size());
  }
  return FindProgram(name, search);
}

RunFacts FactsOf(const RunSetup& setup, const RunNetwork& network) {
  RunFacts facts = setup.facts();
  facts.no_guard = network.no_guard();
  facts.empty_network = setup.empty_network() >= 0;
  facts.silent_exec = CommandExecSite();
  return facts;
}

}  // namespace

Guardian::Guardian(EventLoop& loop, const SetupFrame& frame, DoneCallback done)
    : done_(std::move(done)),
      setup_(frame, PinsFor(frame)),
      network_(loop, frame, setup_.identity(), setup_.own_sockets()),
      homes_(setup_.tmp(), setup_.identity().uid),
      trees_(loop, frame.limits, setup_.group(), setup_.facts().own_ipc ? SystemV::kOfTheRun : SystemV::kOfTheMachine,
             [this](pid_t root, const EndedTree& tree) { OnEnded(root, tree); }),
      facts_(FactsOf(setup_, network_)) {
  setup_.Settle();
  // Process 1 takes everything with it.
  if (setup_.placeholder() >= 0) loop.Watch(setup_.placeholder(), POLLIN, [](short) { ::_exit(1); });
}

/// Looks for repositories before the mounts are made: what is opened then leads past them, so that what is found
/// changed all the same can be put back.
std::vector<Pin> Guardian::PinsFor(const SetupFrame& frame) {
  std::vector<Pin> pins;
  if (frame.first.git_config == GitConfig::kOpen) return pins;
  std::vector<std::string> trees = ResolveAccess(frame.first.files).write;
  std::erase_if(trees, [&](const std::string& tree) { return IsBelow(tree, frame.tmp_dir); });
  repositories_.Add(trees);
  for (FixedPlace& place : repositories_.Fixed(frame.first.git_config))
    pins.push_back({std::move(place.path), place.read_only ? Pin::Access::kReadOnly : Pin::Access::kAsItIs});
  return pins;
}

Result<CompiledPolicy> Guardian::Compile(Confinement confinement) {
  Confinement granted = confinement;
  KeepFirstMeanings(first_meanings_, granted.files);
  RUNE_ASSIGN_OR_RETURN(CompiledPolicy policy, CompilePolicy(granted, facts_));
  policy.asked = std::move(confinement);
  if (policy.refusal.empty()) policy.refusal = CannotWork();
  return policy;
}

DefinedFrame Guardian::Define(const DefineFrame& frame) {
  DefinedFrame defined;
  defined.policy = frame.policy;
  defined.cgroups = setup_.group_dirs();
  Confinement confinement = frame.confinement;
  setup_.GrantOwn(confinement.files);
  auto policy = Compile(std::move(confinement));
  if (!policy.ok()) {
    defined.error = policy.error().message;
    return defined;
  }
  defined.layers = policy->layers;
  defined.error = policy->refusal;
  trees_.WatchDisk(policy->confinement.files.write);
  // Before the first command under it. The private directory has none.
  std::vector<std::string> trees = policy->confinement.files.write;
  std::erase_if(trees, [&](const std::string& tree) { return tree == setup_.tmp() || tree == "/dev/shm"; });
  if (policy->confinement.git_config != GitConfig::kOpen) repositories_.Add(trees);
  policies_.insert_or_assign(frame.policy, std::move(policy).value());
  return defined;
}

std::vector<std::string> Guardian::ToolEnvironment(const Call& call) const {
  const std::string& home = call.home.empty() ? setup_.tmp() : call.home;
  std::vector<std::string> env{std::string("PATH=") + kToolPath, "HOME=" + home, "TMPDIR=" + setup_.tmp()};
  for (const std::string& entry : call.command.env) {
    const std::string name = entry.substr(0, entry.find('=') + 1);
    std::erase_if(env, [&](const std::string& known) { return known.starts_with(name); });
    env.push_back(entry);
  }
  return env;
}

ChildPlan Guardian::PlanChild(const Command& command, const CompiledPolicy& policy) const {
  ChildPlan plan;
  plan.kind = command.kind;
  plan.argv = Pointers(command.argv);
  plan.cwd = command.cwd.c_str();
  plan.policy = &policy;
  plan.identity = setup_.identity();
  plan.guardian = ::getpid();
  plan.rlimits = setup_.Rlimits(command.limits);
  if (policy.confinement.network != Network::kOpen) plan.empty_network = setup_.empty_network();
  return plan;
}

/// The control comes first: a child without any confinement tries the same.
void Guardian::PlanProbe(const CompiledPolicy& policy, Call& call, ChildPlan& plan) const {
  call.probe = std::make_unique<ProbeTargets>(MakeProbeTargets(policy));
  call.probe->own_directory = setup_.tmp();
  call.probe->client = setup_.client();
  call.probe->limits = setup_.limits();
  call.probe->command = plan.rlimits.command;
  call.probe->counts_pids = (setup_.group() != nullptr && setup_.group()->has_pids()) || plan.rlimits.processes > 0;
  plan.probe = call.probe.get();
  plan.outcomes = &plan.status->outcomes;
  const pid_t control = ::fork();
  if (control == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    call.probe->unconfined = true;
    TryProbes(*call.probe, plan.outcomes->outside);
    ::_exit(0);
  }
  RetryOnEintr([&] { return ::waitpid(control, nullptr, 0); });
}

void Guardian::Launch(LaunchFrame frame, const std::vector<UniqueFd>& stdio) {
  const auto found = policies_.find(frame.policy);
  if (found == policies_.end()) return Fail(frame.id, "no such policy", EINVAL);
  if (IsStale(found->second)) {
    auto again = Compile(found->second.asked);
    if (!again.ok()) return Fail(frame.id, again.error().message, EINVAL);
    found->second = std::move(again).value();
  }
  const CompiledPolicy& policy = found->second;
  if (!policy.refusal.empty()) return Fail(frame.id, policy.refusal, EPERM);
  if (stdio.size() != 3 || frame.command.argv.empty()) return Fail(frame.id, "malformed launch", EINVAL);
  if (!std::all_of(stdio.begin(), stdio.end(), [](const UniqueFd& fd) { return fd.valid(); }))
    return Fail(frame.id, "standard streams", EMFILE);  // there was no room for them here

  Call call{.id = frame.id, .policy = frame.policy, .command = std::move(frame.command)};
  ChildPlan plan = PlanChild(call.command, policy);
  for (std::size_t i = 0; i < 3; ++i) plan.stdio[i] = stdio[i].get();
  const std::vector<std::string>& argv = call.command.argv;
  if (plan.kind == Command::Kind::kExec) {
    plan.program = ProgramOf(call.command);
    if (plan.program.empty()) return Fail(call.id, "exec: " + argv[0], ENOENT);
    plan.as_opened = call.command.as_opened && !MayExecute(policy, plan.program);
    call.home = homes_.Take();
  } else {
    plan.operation = argv;
    plan.write_rules = RulesFor(policy);
  }
  const std::vector<std::string> env = ToolEnvironment(call);
  plan.env = Pointers(env);
  plan.status = call.status = TakeStatus();
  if (plan.status == nullptr) return Fail(call.id, "mmap", ENOMEM);
  Start(call, plan);
}

void Guardian::Start(Call& call, ChildPlan& plan) {
  const Command::Kind kind = call.command.kind;
  const TimePoint started = Clock::now();
  if (kind == Command::Kind::kProbe) PlanProbe(*plan.policy, call, plan);
  if (kind != Command::Kind::kBuiltin) plan.listener_socket = network_.Prepare(call.id, *plan.policy);
  const pid_t pid = StartChild(plan);
  if (pid < 0) {
    const int err = errno;
    free_statuses_.push_back(plan.status);
    network_.Abandon(call.id);
    if (!call.home.empty()) homes_.Return(call.home);
    return Fail(call.id, "fork", err);
  }
  // Only a probing child is still on its way: not ready by then, it must not send its listener to the next guard.
  const bool probes = kind == Command::Kind::kProbe;
  if (!network_.Serve(call.id, probes ? kProbeSetup : Milliseconds(0)) && probes) ::kill(pid, SIGKILL);
  const CommandLimits& limits = call.command.limits;
  trees_.Add(pid, {.started = started, .wall = limits.wall, .cpu_seconds = limits.cpu_seconds, .tries_limits = probes});
  calls_.emplace(pid, std::move(call));
}

void Guardian::Kill(const KillFrame& frame) {
  const auto found =
      std::find_if(calls_.begin(), calls_.end(), [&](const auto& entry) { return entry.second.id == frame.id; });
  if (found == calls_.end()) return;
  const LimitHit limit = frame.reason == KillReason::kOutput ? LimitHit::kOutput : LimitHit::kNone;
  trees_.Kill(found->first, limit, Milliseconds(frame.grace_ms));
}

void Guardian::OnEnded(pid_t root, const EndedTree& tree) {
  const auto node = calls_.extract(root);
  const Call& call = node.mapped();
  DoneFrame frame{.id = call.id, .report = ReportOf(tree, *call.status)};
  AddDenial(call, frame.report);
  LookAtRepositories(call, frame.report);
  network_.End(call.id, frame.report);
  free_statuses_.push_back(call.status);
  done_(frame);
  // Nobody waits for this.
  if (!call.home.empty()) homes_.Return(call.home);
  if (facts_.own_ipc && calls_.empty()) RemoveSystemV();
}

void Guardian::AddDenial(const Call& call, Report& report) const {
  const CompiledPolicy& policy = policies_.at(call.policy);
  const auto& argv = call.command.argv;
  if (call.command.kind == Command::Kind::kExec) {
    if (call.status->stage != Stage::kExec || call.status->error != EACCES) return;
    const std::string program = ProgramOf(call.command);
    report.denials.push_back(DenialOf(policy, DeniedAct::kExec, program));
    return;
  }
  if (report.exit_code == kExitProtected && argv.size() > 1) {
    const std::string path = NormalizePath(argv[1], call.command.cwd);
    report.denials.push_back(ProtectedDenial(policy, path));
  }
  if (report.exit_code != kExitDenied || argv.size() < 2) return;
  const bool writes = argv[0] == "write" || argv[0] == "edit";
  const std::string path = argv[0] == "inspect" ? "/proc/" + argv[1] : NormalizePath(argv[1], call.command.cwd);
  report.denials.push_back(DenialOf(policy, writes ? DeniedAct::kWrite : DeniedAct::kRead, path));
}

WriteRules Guardian::RulesFor(const CompiledPolicy& policy) const {
  return {.trees = policy.write_roots, .names = NamesOf(policy.confinement), .files = repositories_.Files()};
}

void Guardian::LookAtRepositories(const Call& call, Report& report) {
  if (call.command.kind != Command::Kind::kExec) return;
  const GitConfig rule = policies_.at(call.policy).confinement.git_config;
  if (rule == GitConfig::kOpen) return repositories_.Accept();
  for (const std::string& changed : repositories_.Check(rule)) {
    report.denials.push_back(Denial{.by = DeniedBy::kPolicy,
                                    .what = DeniedAct::kRunLater,
                                    .target = OneLine(changed, kMaxTarget),
                                    .remedy = {Grant::kGitConfig, {}}});
  }
}

void Guardian::Fail(CommandId id, const std::string& what, int err) {
  DoneFrame frame;
  frame.id = id;
  frame.report.setup_error = what + ": " + std::strerror(err);
  frame.report.setup_errno = err;
  done_(frame);
}

ChildStatus* Guardian::TakeStatus() {
  if (free_statuses_.empty()) return MapStatus();
  ChildStatus* status = free_statuses_.back();
  free_statuses_.pop_back();
  *status = {};
  return status;
}

}  // namespace rune::sandbox
