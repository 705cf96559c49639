#include "sandbox/guardian/compiled_policy.h"

#include <sys/stat.h>

#include <algorithm>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"

namespace rune::sandbox {
namespace {

/// The kernel judges the file, whatever way leads to it: /bin/sh may be /usr/bin/dash. Of a file that is not there yet
/// the directory counts.
std::string FileAt(const std::string& path) {
  if (auto real = RealPath(path)) return *std::move(real);
  const auto parent = RealPath(NormalizePath("..", path));
  return parent ? NormalizePath(path.substr(path.rfind('/') + 1), *parent) : path;
}

/// A file cannot be loaded from when it is a device.
bool IsTree(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && (S_ISDIR(info.st_mode) || S_ISREG(info.st_mode));
}

LayerReport LimitsReport(const RunFacts& facts) {
  LayerReport report{Layer::kLimits, LayerState::kEnforced, "", ""};
  if (facts.cgroup.empty()) {
    report.state = LayerState::kDegraded;
    report.mechanism = "rlimits, tree counted every 50 ms";
    report.why = "memory and pids can be exceeded between two counts: " + facts.no_cgroup;
    return report;
  }
  report.mechanism = facts.cgroup + ", rlimits";
  if (!facts.no_cgroup.empty()) {
    report.state = LayerState::kDegraded;
    report.why = facts.no_cgroup;
  }
  return report;
}

WrittenProgram ProgramNow(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return {path, 0, 0};
  return {path, info.st_dev, info.st_ino};
}

std::vector<WrittenProgram> WrittenPrograms(const Confinement& confinement, const std::vector<std::string>& roots) {
  std::vector<WrittenProgram> programs;
  for (const std::string& path : confinement.files.execute) {
    struct stat info{};
    const bool directory = ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    if (!directory && IsBelowAny(FileAt(path), roots)) programs.push_back(ProgramNow(path));
  }
  return programs;
}

constexpr const char* kNoSeccomp = "the kernel offers no seccomp filter";

// The ABI of Landlock from which on it holds truncation, and signals.
constexpr int kTruncation = 3;
constexpr int kSignalScopes = 6;

/// What a command may write it must not execute, not even by the dynamic loader, which maps what it can read. Where
/// such a tree is mounted noexec the kernel sees to that, else the guard is asked about every such mapping.
SeccompPolicy::Notify NotifyOf(const FileAccess& files, const RunFacts& facts) {
  const bool held = std::all_of(files.write.begin(), files.write.end(), [&](const std::string& path) {
    return IsBelowAny(path, files.execute) || IsBelowAny(path, facts.never_executed) || !IsTree(path);
  });
  return held ? SeccompPolicy::Notify::kDenials : SeccompPolicy::Notify::kMaps;
}

SeccompPolicy::Unheld UnheldIn(const CompiledPolicy& policy, const RunFacts& facts) {
  return {.truncation = policy.landlock.abi < kTruncation,
          .signals = policy.landlock.abi < kSignalScopes && !facts.own_pids};
}

/// What is left of a right that this ABI lacks: the guard holds truncation and signals, a filter alone the first.
std::string StillUnheld(const CompiledPolicy& policy, const RunFacts& facts) {
  const SeccompPolicy::Unheld unheld = UnheldIn(policy, facts);
  std::string text = policy.landlock.lacks;
  const auto add = [&](const char* what) { text.append(text.empty() ? "" : "; ").append(what); };
  if (unheld.truncation && policy.unguarded.empty())
    add("truncate(2) of files that may only be read is not stopped (ABI 3)");
  if (unheld.signals && policy.guarded.empty())
    add("signals to other processes of the same user are not stopped (ABI 6)");
  return text;
}

/// No right of Landlock covers modes, owners and times of files, nor what is mapped for execution: that is the guard's.
LayerReport LandlockReport(const CompiledPolicy& policy, const RunFacts& facts, const std::string& missing) {
  if (!policy.landlock.fd.valid()) return {Layer::kLandlock, LayerState::kMissing, facts.identity, missing};
  LayerReport report{Layer::kLandlock, LayerState::kEnforced, "Landlock ABI " + std::to_string(policy.landlock.abi),
                     StillUnheld(policy, facts)};
  const SeccompPolicy::Unheld unheld = UnheldIn(policy, facts);
  if (!policy.guarded.empty() && (unheld.truncation || unheld.signals)) {
    report.mechanism += std::string(" (") + (unheld.truncation ? "truncation" : "") +
                        (unheld.truncation && unheld.signals ? " and " : "") + (unheld.signals ? "signals" : "") +
                        " by the guard)";
  }
  if (!facts.identity.empty()) report.mechanism += ", " + facts.identity;
  if (policy.guarded.empty()) {
    const bool maps = NotifyOf(policy.confinement.files, facts) == SeccompPolicy::Notify::kMaps;
    if (!report.why.empty()) report.why += "; ";
    report.why += std::string("modes, owners and times of files outside are not held") +
                  (maps ? ", nor is what the dynamic loader may load" : "") + ": " + facts.no_guard;
  }
  if (!report.why.empty()) report.state = LayerState::kDegraded;
  return report;
}

/// A file operation reaches no network at all. A command is noted and, where its policy says so, guarded; an open
/// network needs no guard.
Result<void> CompileFilters(CompiledPolicy& policy, const RunFacts& facts) {
  const Confinement& confinement = policy.confinement;
  const bool open = confinement.network == Network::kOpen;
  const SeccompPolicy::Unheld unheld = UnheldIn(policy, facts);
  RUNE_ASSIGN_OR_RETURN(policy.unguarded, CompileSeccomp({.network = open ? Network::kOpen : Network::kClosed,
                                                          .denied_syscalls = confinement.denied_syscalls,
                                                          .default_buffers = !facts.buffers_counted,
                                                          .own_ipc = facts.own_ipc,
                                                          .unheld = unheld,
                                                          .out_of_reach = facts.out_of_reach}));
  if (!facts.no_guard.empty()) return Ok();
  RUNE_ASSIGN_OR_RETURN(policy.guarded, CompileSeccomp({.network = confinement.network,
                                                        .denied_syscalls = confinement.denied_syscalls,
                                                        .notify = NotifyOf(confinement.files, facts),
                                                        .silent_exec = facts.silent_exec,
                                                        .default_buffers = !facts.buffers_counted,
                                                        .own_ipc = facts.own_ipc,
                                                        .unheld = unheld,
                                                        .out_of_reach = facts.out_of_reach}));
  return Ok();
}

LayerReport NetworkReport(const CompiledPolicy& policy, const RunFacts& facts, bool filtered) {
  const Confinement& confinement = policy.confinement;
  if (confinement.network == Network::kOpen) return {Layer::kNetwork, LayerState::kOff, "open by policy", ""};
  if (!filtered) return {Layer::kNetwork, LayerState::kMissing, "", kNoSeccomp};
  const std::string besides = facts.empty_network ? ", empty network namespace" : "";
  if (confinement.network == Network::kGuarded && !policy.guarded.empty()) {
    if (confinement.watch_only) return {Layer::kNetwork, LayerState::kOff, "watched, not held", ""};
    return {Layer::kNetwork, LayerState::kEnforced, "guard" + besides, ""};
  }
  const std::string closed = "closed: no internet socket can be made" + besides;
  if (policy.domains.empty() || confinement.network == Network::kClosed)
    return {Layer::kNetwork, LayerState::kEnforced, closed, ""};
  return {Layer::kNetwork, LayerState::kDegraded, closed, "allowed domains cannot be reached: " + facts.no_guard};
}

/// Names are as good as the network beneath them.
LayerReport NamesReport(const CompiledPolicy& policy, const LayerReport& network) {
  LayerReport names = network;
  names.layer = Layer::kNames;
  if (network.state != LayerState::kEnforced && network.state != LayerState::kDegraded) return names;
  const bool guarded = policy.confinement.network == Network::kGuarded && !policy.guarded.empty();
  names.mechanism = guarded ? "own resolver, " + std::to_string(policy.confinement.allowed_domains.size()) + " entries"
                            : "closed: no resolver can be reached";
  return names;
}

/// The refusal of a confinement that demands more than there is; empty when it may run.
std::string Demand(const CompiledPolicy& policy) {
  if (policy.confinement.enforcement != Enforcement::kRequire) return "";
  const auto& required = policy.confinement.required;
  for (const LayerReport& report : policy.layers) {
    const bool named = std::find(required.begin(), required.end(), report.layer) != required.end();
    // Without a list every layer is required, except one that the policy itself leaves open.
    if (!named && (!required.empty() || report.state == LayerState::kOff)) continue;
    if (report.state == LayerState::kEnforced) continue;
    std::string text =
        "required layer '" + std::string(LayerName(report.layer)) + "' is " + std::string(LayerStateName(report.state));
    if (!report.why.empty()) text += ": " + report.why;
    return text;
  }
  return "";
}

}  // namespace

void KeepFirstMeanings(FirstMeanings& first, FileAccess& files) {
  const auto moved = [&](const std::string& name) {
    const auto real = RealPath(name);
    return real && first.emplace(name, *real).first->second != *real;
  };
  std::erase_if(files.write, moved);
  std::vector<std::string> written;
  for (const auto& [name, real] : first) written.insert(written.end(), {NormalizePath(name, "/"), real});
  for (std::vector<std::string>* names : {&files.read, &files.execute}) {
    std::erase_if(
        *names, [&](const std::string& name) { return IsBelowAny(NormalizePath(name, "/"), written) && moved(name); });
  }
}

Result<CompiledPolicy> CompilePolicy(const Confinement& confinement, const RunFacts& facts) {
  CompiledPolicy policy;
  policy.confinement = confinement;
  policy.confinement.files = ResolveAccess(confinement.files);
  policy.trees = HeldTrees(policy.confinement.files);
  for (const std::string& path : confinement.files.write)
    policy.write_roots.push_back(FileAt(NormalizePath(path, "/")));
  policy.programs = WrittenPrograms(confinement, policy.write_roots);

  std::string no_landlock;
  if (auto landlock = BuildLandlock(confinement); landlock.ok()) {
    policy.landlock = std::move(landlock).value();
  } else if (landlock.error().kind == ErrorKind::kUnavailable) {
    no_landlock = landlock.error().message;
  } else {
    return std::move(landlock).error();
  }
  RUNE_ASSIGN_OR_RETURN(policy.domains, DomainAllowlist::Parse(confinement.allowed_domains));
  const bool filtered = SeccompAvailable();
  if (filtered) RUNE_RETURN_IF_ERROR(CompileFilters(policy, facts));
  const LayerReport network = NetworkReport(policy, facts, filtered);
  const LayerReport names = NamesReport(policy, network);
  if (network.state == LayerState::kMissing) policy.refusal = "the network cannot be closed: " + network.why;
  LayerReport seccomp{Layer::kSeccomp, LayerState::kMissing, "", kNoSeccomp};
  if (filtered) seccomp = {Layer::kSeccomp, LayerState::kEnforced, "allow-list of system calls", ""};

  policy.layers = {LimitsReport(facts), network, seccomp, LandlockReport(policy, facts, no_landlock), names};
  if (policy.refusal.empty()) policy.refusal = Demand(policy);
  return policy;
}

bool IsStale(const CompiledPolicy& policy) {
  return std::any_of(policy.programs.begin(), policy.programs.end(),
                     [](const WrittenProgram& program) { return ProgramNow(program.path) != program; });
}

bool MayExecute(const CompiledPolicy& policy, const std::string& path) {
  const FileAccess& files = policy.confinement.files;
  const std::string file = FileAt(path);
  return IsBelowAny(file, files.execute) && !IsBelowAny(file, files.denied);
}

bool MayMap(const CompiledPolicy& policy, const std::string& file) {
  const FileAccess& files = policy.confinement.files;
  return !IsBelowAny(file, files.write) || IsBelowAny(file, files.execute);
}

Denial DenialOf(const CompiledPolicy& policy, DeniedAct act, const std::string& path) {
  const FileAccess& files = policy.confinement.files;
  const std::string file = FileAt(path);
  Denial denial{.by = DeniedBy::kLandlock, .what = act, .target = path};
  if (IsBelowAny(file, files.denied)) return denial;
  const bool writable = IsBelowAny(file, files.write);
  const bool executable = IsBelowAny(file, files.execute);
  const bool readable = (IsBelowAny(file, files.read) && !IsBelowAny(file, files.list_only)) || writable || executable;
  const bool granted = act == DeniedAct::kExec ? executable : act == DeniedAct::kWrite ? writable : readable;
  if (granted) {
    denial.by = DeniedBy::kIdentity;
  } else if (act == DeniedAct::kExec) {
    denial.remedy = RemedyOf(Grant::kExecute, path);
  } else {
    // The file itself: a link in a tree that is writable opens nothing (ResolveAccess()).
    denial.remedy = RemedyOf(act == DeniedAct::kWrite ? Grant::kWrite : Grant::kRead, file);
  }
  return denial;
}

ProtectedNames NamesOf(const Confinement& confinement) {
  return {.git_config = confinement.git_config,
          .ci_files = confinement.ci_files_protected,
          .home = RealPath(confinement.home).value_or("")};
}

Denial ProtectedDenial(const CompiledPolicy& policy, const std::string& path) {
  const std::string file = FileAt(path);
  Denial denial{
      .by = DeniedBy::kPolicy, .what = DeniedAct::kRunLater, .target = path, .remedy = {Grant::kGitConfig, {}}};
  const auto tree = TreeOf(file, policy.write_roots);
  if (tree && ProtectionOf(file, *tree, NamesOf(policy.confinement)) == Protection::kOther)
    denial.remedy = RemedyOf(Grant::kWrite, file);
  return denial;
}

}  // namespace rune::sandbox
