#include "agent/policy/policy.h"

#include <seccomp.h>

#include <algorithm>

#include "agent/policy/environment.h"
#include "agent/policy/paths.h"
#include "sandbox/base/files.h"
#include "sandbox/base/list.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/program.h"

namespace rune::agent {
namespace {

using sandbox::DeniedAct;
using sandbox::Grant;
using sandbox::Remedy;
using std::string_view;

constexpr std::size_t kMaxPath = 4096;  // PATH_MAX

std::string Quoted(string_view text) { return "'" + OneLine(text) + "'"; }

bool IsSystemProgram(const std::string& path) {
  return !path.empty() && Contains(sandbox::ProgramDirs(), ParentOf(path));
}

Result<void> CheckEntries(string_view key, const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const bool odd =
        std::any_of(entry.begin(), entry.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (entry.empty() || entry.size() > kMaxPath || odd) {
      return Error::Invalid(std::string(key) + ": " +
                            (entry.empty() ? "an empty entry" : "malformed entry " + Quoted(entry)));
    }
  }
  return Ok();
}

Result<void> CheckSyscalls(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR) continue;
    const std::optional<std::string> near = Nearest(name, PolicyConfig().denied_syscalls);
    return Error::Invalid("denied_syscalls: unknown system call " + Quoted(name) +
                          (near ? " (did you mean '" + *near + "'?)" : ""));
  }
  return Ok();
}

Result<void> CheckPlaces(const Places& places) {
  for (const std::string* path : {&places.cwd, &places.tmp_dir}) {
    if (!path->starts_with('/')) return Error::Invalid("not an absolute path: " + Quoted(*path));
  }
  return Ok();
}

}  // namespace

Result<Policy> Policy::Create(const PolicyConfig& config, const Places& places, PolicyMode default_mode) {
  RUNE_RETURN_IF_ERROR(CheckPlaces(places));
  RUNE_RETURN_IF_ERROR(CheckEntries("allowed_commands", config.allowed_commands));
  RUNE_RETURN_IF_ERROR(CheckEntries("allowed_paths_rw", config.allowed_paths_rw));
  RUNE_RETURN_IF_ERROR(CheckEntries("allowed_paths_ro", config.allowed_paths_ro));
  RUNE_RETURN_IF_ERROR(CheckEntries("allowed_paths_exec", config.allowed_paths_exec));
  RUNE_RETURN_IF_ERROR(CheckEntries("denied_paths", config.denied_paths));
  RUNE_RETURN_IF_ERROR(CheckEnvironment(config.env));
  RUNE_RETURN_IF_ERROR(CheckSyscalls(config.denied_syscalls));
  Policy policy;
  policy.config_ = config;
  policy.places_ = places;
  policy.places_.cwd = NormalizePath(places.cwd, "/");
  policy.places_.tmp_dir = NormalizePath(places.tmp_dir, "/");
  policy.tool_path_ = policy.ToolPath();
  policy.mode_ = config.mode.value_or(default_mode);
  Result<sandbox::DomainAllowlist> domains = sandbox::DomainAllowlist::Parse(config.allowed_domains);
  if (!domains.ok()) return std::move(domains).error().Wrap("allowed_domains");
  policy.domains_ = *std::move(domains);
  RUNE_RETURN_IF_ERROR(policy.CheckPrograms());
  return policy;
}

bool Policy::every_program() const {
  return mode_ == PolicyMode::kUnrestricted || Contains(config_.allowed_commands, "*");
}

bool Policy::network_open() const { return domains_.every(); }

Verdict Policy::Ask(Refusal refusal) const {
  Verdict verdict;
  (mode_ == PolicyMode::kConfirm ? verdict.question : verdict.refusal) = std::move(refusal);
  return verdict;
}

std::string Policy::FromConfig(string_view path) const {
  return NormalizePath(ExpandHome(path, places_.home), places_.cwd);
}

std::string Policy::ResolvePath(string_view path) const {
  std::string resolved = places_.home.empty() ? NormalizePath(path, places_.cwd) : FromConfig(path);
  // The machine's /tmp is meant where a list names it, or a place in it.
  const sandbox::FileAccess& files = compiled().files;
  const bool listed =
      IsBelowAny(resolved, files.read) || IsBelowAny(resolved, files.write) || IsBelowAny(resolved, files.denied);
  if (listed || !IsBelow(resolved, "/tmp")) return resolved;
  return places_.tmp_dir + resolved.substr(std::string_view("/tmp").size());
}

/// A name is the program that the tools' PATH finds. A path is the same program only when it leads to the same file by
/// way of a directory of programs; any other path, "./ls" too, is a program of its own. What lies in a tree that runs
/// whoever wrote it needs no entry.
bool Policy::ProgramAllowed(const std::string& name) const {
  if (every_program()) return true;
  if (name.find('/') != std::string::npos && IsBelowAny(ResolvePath(name), compiled().exec_trees)) return true;
  const std::string path = Find(name);
  return std::any_of(config_.allowed_commands.begin(), config_.allowed_commands.end(), [&](const std::string& entry) {
    if (entry == name) return true;
    if (path.empty() || FileName(entry) != FileName(path)) return false;
    const std::string allowed = Find(entry);
    return allowed == path || (IsSystemProgram(allowed) && IsSystemProgram(path) && FilesOf(allowed) == FilesOf(path));
  });
}

/// False for a program that no entry of allowed_commands would start: one that tools could have written themselves.
bool Policy::MayList(const std::string& program) const {
  const std::string path = Find(program);
  if (IsWritten(program)) return false;
  return path.empty() || !Exists(path) || !FilesOf(program).empty();
}

Remedy Policy::WayToRun(std::vector<std::string> programs) const {
  const auto all = [&](auto matches) { return std::all_of(programs.begin(), programs.end(), matches); };
  if (all([&](const std::string& name) { return MayList(name); })) return {Grant::kExecute, std::move(programs)};
  if (!all([&](const std::string& name) { return IsWritten(name); })) return {};
  for (std::string& name : programs) {
    name = FromConfig(name);
    // The private directory has another name in the next run.
    if (IsBelow(name, places_.tmp_dir)) name = "/tmp" + name.substr(places_.tmp_dir.size());
  }
  return {Grant::kExecuteWritten, std::move(programs)};
}

Refusal Policy::CommandRefusal(const std::string& command_line, const CommandPlan& plan,
                               std::vector<std::string> missing) const {
  // In confirm mode the larger matter comes first: a yes to an unclear line opens every program for it.
  if (!missing.empty() && (plan.understood || mode_ != PolicyMode::kConfirm)) {
    std::string message = "BLOCKED by policy: command " + Quoted(missing[0]) + " is not in allowed_commands";
    if (mode_ == PolicyMode::kConfirm && Contains(plan.runs_others, missing[0]))
      message += " (it can run other programs)";
    std::string target = missing[0];
    return {.message = std::move(message),
            .what = DeniedAct::kExec,
            .target = std::move(target),
            .remedy = WayToRun(std::move(missing))};
  }
  return {.message = "BLOCKED by policy: the command line cannot be checked: " + plan.reason +
                     ". Write plain commands with fixed names",
          .what = DeniedAct::kExec,
          .target = OneLine(command_line, 80)};
}

Verdict Policy::CheckCommand(const std::string& command_line, const CommandPlan& plan) const {
  Verdict verdict;
  if (mode_ == PolicyMode::kUnrestricted) return verdict;
  std::vector<std::string> missing;
  if (!every_program()) {
    std::copy_if(plan.programs.begin(), plan.programs.end(), std::back_inserter(missing),
                 [&](const std::string& name) { return !ProgramAllowed(name); });
    if (plan.programs.empty() && config_.allowed_commands.empty()) {
      // Builtins run nothing, but an empty list means that nothing is allowed.
      const std::string first(Trim(OneLine(command_line, 40)));
      missing.push_back(first.substr(0, first.find(' ')));
    }
    if (!missing.empty() || !plan.understood) verdict = Ask(CommandRefusal(command_line, plan, std::move(missing)));
  }
  for (const std::string& path : plan.writes) {
    if (path == "/dev/null" || path == "/dev/stdout" || path == "/dev/stderr") continue;
    Verdict write = CheckRedirection(ResolvePath(path));
    if (write.refusal) return verdict.refusal ? verdict : write;
    if (write.question && verdict.question) verdict.question->message += "; " + write.question->message;
    if (write.question && !verdict.question) verdict.question = std::move(write.question);
  }
  return verdict;
}

/// A command could make no file that is not there by an entry for that file alone.
Verdict Policy::CheckRedirection(const std::string& path) const {
  Verdict verdict = CheckWrite(path);
  for (auto* answer : {&verdict.refusal, &verdict.question}) {
    if (!*answer || (*answer)->remedy.grant != Grant::kWrite || Exists(path)) continue;
    (*answer)->remedy = {};
    (*answer)->way_out =
        "no entry opens a file to a command that is not there yet: write_file can make it, or allow its directory";
  }
  return verdict;
}

std::optional<Refusal> Policy::CheckDenied(const std::string& path, DeniedAct what) const {
  const std::string subject = "BLOCKED by policy: path " + Quoted(path);
  const bool secret = IsBelowAny(path, compiled().secrets);
  if (IsBelowAny(path, compiled().denied))
    return Refusal{.message = subject + " is in denied_paths", .what = what, .target = path, .secret = secret};
  if (IsBelowAny(path, compiled().always_denied)) {
    return Refusal{.message = subject + " is always denied: it holds keys or settings",
                   .what = what,
                   .target = path,
                   .secret = true};
  }
  return std::nullopt;
}

/// What is closed as a secret of the system stays closed, whatever the lists say.
Remedy Policy::WayOpen(Grant grant, const std::string& path, const std::string& entry) const {
  return IsBelowAny(path, compiled().files.denied) ? Remedy() : Remedy{grant, {entry}};
}

Verdict Policy::CheckRead(const std::string& path) const {
  Verdict verdict;
  if (mode_ == PolicyMode::kUnrestricted) return verdict;
  verdict.refusal = CheckDenied(path, DeniedAct::kRead);
  const sandbox::FileAccess& files = compiled().files;
  if (verdict.refusal || IsBelowAny(path, files.read) || IsBelowAny(path, files.write)) return verdict;
  if (IsBelowAny(path, compiled().program_trees)) return verdict;
  return Ask({.message = "BLOCKED by policy: path " + Quoted(path) + " is not in allowed_paths_ro",
              .what = DeniedAct::kRead,
              .target = path,
              .remedy = WayOpen(Grant::kRead, path, path),
              .secret = IsBelowAny(path, compiled().secrets)});
}

Verdict Policy::CheckWrite(const std::string& path) const {
  Verdict verdict;
  if (mode_ == PolicyMode::kUnrestricted) return verdict;
  verdict.refusal = CheckDenied(path, DeniedAct::kWrite);
  if (!verdict.refusal) {
    const auto tree = sandbox::TreeOf(path, compiled().writable_trees);
    const auto protection = tree ? sandbox::ProtectionOf(path, *tree, protected_names()) : std::nullopt;
    if (protection) {
      verdict.refusal =
          Refusal{.message = "BLOCKED by policy: path " + Quoted(path) + " is protected",
                  .what = DeniedAct::kRunLater,
                  .target = path,
                  .remedy = *protection == sandbox::Protection::kGit ? Remedy{Grant::kGitConfig, {}}
                                                                     : WayOpen(Grant::kWrite, path, path)};
    }
  }
  if (verdict.refusal || IsBelowAny(path, compiled().files.write)) return verdict;
  return Ask({.message = "BLOCKED by policy: path " + Quoted(path) + " is not in allowed_paths_rw",
              .what = DeniedAct::kWrite,
              .target = path,
              .remedy = WayOpen(Grant::kWrite, path, path),
              .secret = IsBelowAny(path, compiled().secrets)});
}

Verdict Policy::CheckUrl(const std::string& url) const {
  Verdict verdict;
  Result<Url> parsed = ParseUrl(url);
  if (!parsed.ok()) {
    verdict.refusal = Refusal{.message = "BLOCKED: the URL cannot be used: " + parsed.error().message,
                              .what = DeniedAct::kConnect,
                              .target = OneLine(url)};
    return verdict;
  }
  if (!network_open() && mode_ != PolicyMode::kUnrestricted && !IsListed(domains_, *parsed)) {
    const auto entry = sandbox::EntryFor(parsed->host, parsed->port);
    return Ask({.message = "BLOCKED: domain " + Quoted(parsed->host) + " is not in allowed_domains",
                .what = DeniedAct::kConnect,
                .target = HostAndPort(*parsed),
                .remedy = entry ? Remedy{Grant::kDomain, {*entry}} : Remedy(),
                .secret = IsMetadataHost(parsed->host)});
  }
  return verdict;
}

/// A program has several paths where directories of programs are links to each other, and a search tries them all.
sandbox::Denial Policy::ByName(sandbox::Denial denial) const {
  if (denial.remedy.grant != Grant::kExecute || denial.remedy.entries.size() != 1) return denial;
  const std::string& path = denial.remedy.entries.front();
  if (!IsSystemProgram(path)) return denial;
  const std::string name(FileName(path));
  const std::string found = sandbox::FindProgram(name);
  if (found.empty() || FilesOf(found) != FilesOf(path)) return denial;
  denial.target = found;
  denial.remedy.entries = {name};
  return denial;
}

Refusal Policy::Explain(const sandbox::Denial& reported, const std::vector<std::string>& hosts) const {
  sandbox::Denial denial = ByName(reported);
  if (denial.remedy.grant == Grant::kExecute) denial.remedy = WayToRun(denial.remedy.entries);
  if (denial.what == DeniedAct::kLookup) {
    const auto named = std::find_if(hosts.begin(), hosts.end(),
                                    [&](const std::string& host) { return host.starts_with(denial.target + ":"); });
    if (named != hosts.end()) denial.remedy = sandbox::RemedyOf(Grant::kDomain, *named);
  }
  return WithWayOut({.message = "refused: " + std::string(DeniedActName(denial.what)) + " " +
                                OneLine(denial.target, 300) + " (" + std::string(DeniedByName(denial.by)) + ")",
                     .what = denial.what,
                     .target = denial.target,
                     .remedy = denial.remedy,
                     .by = denial.by,
                     .count = denial.count});
}

void Policy::Allow(const Refusal& refusal) {
  const auto add = [&](std::vector<std::string>& list) {
    std::copy_if(refusal.remedy.entries.begin(), refusal.remedy.entries.end(), std::back_inserter(list),
                 [&](const std::string& entry) { return !Contains(list, entry); });
  };
  switch (refusal.remedy.grant) {
    case Grant::kNothing:
      return;
    case Grant::kExecute:
      add(config_.allowed_commands);
      break;
    case Grant::kExecuteWritten:
      // Not for the session: mounts that close what tools may write were made before the first command.
      return;
    case Grant::kRead:
      add(config_.allowed_paths_ro);
      break;
    case Grant::kWrite:
      add(config_.allowed_paths_rw);
      break;
    case Grant::kDomain:
      add(config_.allowed_domains);
      break;
    case Grant::kGitConfig:
      config_.git_config = sandbox::GitConfig::kOpen;
      break;
    case Grant::kUpload:
      config_.max_upload_mb = 0;
      break;
  }
  if (auto domains = sandbox::DomainAllowlist::Parse(config_.allowed_domains); domains.ok()) {
    domains_ = *std::move(domains);
  }
  compiled_.reset();
}

}  // namespace rune::agent
