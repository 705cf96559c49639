#include "agent/policy/policy.h"

#include <seccomp.h>

#include <algorithm>

#include "agent/policy/paths.h"
#include "sandbox/address.h"
#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/program.h"

namespace rune::agent {
namespace {

using std::string_view;

constexpr std::size_t kMaxPath = 4096;  // PATH_MAX

bool Contains(const std::vector<std::string>& list, string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

/// `key = ["a", "b"]`, a line for the [policy] table. TOML basic strings.
std::string PolicyLine(string_view key, const std::vector<std::string>& values) {
  std::string line = std::string(key) + " = [";
  for (const std::string& value : values) {
    if (line.back() != '[') line += ", ";
    line += '"';
    for (const char c : OneLine(value, kMaxPath)) {
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
    line += '"';
  }
  return line + "]";
}

std::string Quoted(string_view text) { return "'" + OneLine(text) + "'"; }

string_view ListOf(string_view what) {
  if (what == "exec") return "allowed_commands";
  if (what == "connect") return "allowed_domains";
  return what == "read" ? "allowed_paths_ro" : "allowed_paths_rw";
}

Refusal MakeRefusal(std::string message, std::string what, std::string target, std::vector<std::string> entries) {
  std::string allow = entries.empty() ? "" : PolicyLine(ListOf(what), entries);
  return {.message = std::move(message),
          .what = std::move(what),
          .target = std::move(target),
          .allow = std::move(allow),
          .entries = std::move(entries)};
}

std::string ParentOf(const std::string& path) { return NormalizePath("..", path); }

string_view BaseName(string_view path) { return path.substr(path.rfind('/') + 1); }

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
  RUNE_RETURN_IF_ERROR(CheckEntries("denied_paths", config.denied_paths));
  RUNE_RETURN_IF_ERROR(CheckSyscalls(config.denied_syscalls));
  Policy policy;
  policy.config_ = config;
  policy.places_ = places;
  policy.places_.cwd = NormalizePath(places.cwd, "/");
  policy.places_.tmp_dir = NormalizePath(places.tmp_dir, "/");
  policy.mode_ = config.mode.value_or(default_mode);
  Result<sandbox::DomainAllowlist> domains = sandbox::DomainAllowlist::Parse(config.allowed_domains);
  if (!domains.ok()) return std::move(domains).error().Wrap("allowed_domains");
  policy.domains_ = *std::move(domains);
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
  return places_.home.empty() ? NormalizePath(path, places_.cwd) : FromConfig(path);
}

/// A name is the program that the tools' PATH finds. A path is the same program only when it leads to the same file by
/// way of a directory of programs; any other path, "./ls" too, is a program of its own.
bool Policy::ProgramAllowed(const std::string& name) const {
  if (every_program()) return true;
  const auto path_of = [&](const std::string& program) {
    return program.find('/') == std::string::npos ? sandbox::FindProgram(program) : FromConfig(program);
  };
  const std::string path = path_of(name);
  return std::any_of(config_.allowed_commands.begin(), config_.allowed_commands.end(), [&](const std::string& entry) {
    if (entry == name) return true;
    if (path.empty() || BaseName(entry) != BaseName(path)) return false;
    const std::string allowed = path_of(entry);
    return allowed == path || (IsSystemProgram(allowed) && IsSystemProgram(path) && FilesOf(allowed) == FilesOf(path));
  });
}

Refusal Policy::CommandRefusal(const std::string& command_line, const CommandPlan& plan,
                               std::vector<std::string> missing) const {
  // In confirm mode the larger matter comes first: a yes to an unclear line opens every program for it.
  if (!missing.empty() && (plan.understood || mode_ != PolicyMode::kConfirm)) {
    std::string message = "BLOCKED by policy: command " + Quoted(missing[0]) + " is not in allowed_commands";
    if (mode_ == PolicyMode::kConfirm && Contains(plan.runs_others, missing[0]))
      message += " (it can run other programs)";
    std::string target = missing[0];
    return MakeRefusal(std::move(message), "exec", std::move(target), std::move(missing));
  }
  return MakeRefusal("BLOCKED by policy: the command line cannot be checked: " + plan.reason +
                         ". Write plain commands with fixed names",
                     "exec", OneLine(command_line, 80), {});
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
    Verdict write = CheckWrite(ResolvePath(path));
    if (write.refusal) return verdict.refusal ? verdict : write;
    if (write.question && verdict.question) verdict.question->message += "; " + write.question->message;
    if (write.question && !verdict.question) verdict.question = std::move(write.question);
  }
  return verdict;
}

std::optional<Refusal> Policy::CheckDenied(const std::string& path, string_view what) const {
  const std::string subject = "BLOCKED by policy: path " + Quoted(path);
  if (IsBelowAny(path, compiled().denied))
    return MakeRefusal(subject + " is in denied_paths", std::string(what), path, {});
  if (IsBelowAny(path, compiled().always_denied)) {
    return MakeRefusal(subject + " is always denied: it holds keys or settings", std::string(what), path, {});
  }
  return std::nullopt;
}

Verdict Policy::CheckRead(const std::string& path) const {
  Verdict verdict;
  if (mode_ == PolicyMode::kUnrestricted) return verdict;
  verdict.refusal = CheckDenied(path, "read");
  const sandbox::FileAccess& files = compiled().files;
  if (verdict.refusal || IsBelowAny(path, files.read) || IsBelowAny(path, files.write)) return verdict;
  if (IsBelowAny(path, compiled().program_trees)) return verdict;
  return Ask(
      MakeRefusal("BLOCKED by policy: path " + Quoted(path) + " is not in allowed_paths_ro", "read", path, {path}));
}

Verdict Policy::CheckWrite(const std::string& path) const {
  Verdict verdict;
  if (mode_ == PolicyMode::kUnrestricted) return verdict;
  verdict.refusal = CheckDenied(path, "write");
  if (!verdict.refusal) {
    const std::vector<std::string> names = ProtectedNames(compiled().writable_trees);
    if (IsBelowAny(path, names)) {
      verdict.refusal = MakeRefusal("BLOCKED by policy: path " + Quoted(path) + " is protected", "write", path, {});
    }
  }
  if (verdict.refusal || IsBelowAny(path, compiled().files.write)) return verdict;
  return Ask(MakeRefusal("BLOCKED by policy: path " + Quoted(path) + " is not in allowed_paths_rw", "write", path,
                         {ParentOf(path)}));
}

Verdict Policy::CheckUrl(const std::string& url) const {
  Verdict verdict;
  Result<Url> parsed = ParseUrl(url);
  if (!parsed.ok()) {
    verdict.refusal =
        MakeRefusal("BLOCKED: the URL cannot be used: " + parsed.error().message, "connect", OneLine(url), {});
    return verdict;
  }
  if (!network_open() && mode_ != PolicyMode::kUnrestricted && !IsListed(domains_, *parsed)) {
    const std::string target = HostAndPort(*parsed);
    // An address without a port would mean every port.
    const bool usual = (parsed->port == 80 || parsed->port == 443) && !sandbox::ParseIp(parsed->host);
    return Ask(MakeRefusal("BLOCKED: domain " + Quoted(parsed->host) + " is not in allowed_domains", "connect", target,
                           {usual ? parsed->host : target}));
  }
  return verdict;
}

void Policy::Allow(const Refusal& refusal) {
  std::vector<std::string>* list = nullptr;
  if (refusal.what == "exec") list = &config_.allowed_commands;
  if (refusal.what == "read") list = &config_.allowed_paths_ro;
  if (refusal.what == "write") list = &config_.allowed_paths_rw;
  if (refusal.what == "connect") list = &config_.allowed_domains;
  if (list == nullptr) return;
  for (const std::string& entry : refusal.entries) {
    if (Contains(*list, entry)) continue;
    list->push_back(entry);
  }
  if (auto domains = sandbox::DomainAllowlist::Parse(config_.allowed_domains); domains.ok()) {
    domains_ = *std::move(domains);
  }
  compiled_.reset();
}

}  // namespace rune::agent
