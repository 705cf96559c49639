// From the lists of a policy to confinements.

#include <algorithm>

#include "agent/policy/paths.h"
#include "agent/policy/policy.h"
#include "agent/policy/refusal.h"
#include "sandbox/base/directory.h"
#include "sandbox/base/files.h"
#include "sandbox/base/list.h"
#include "sandbox/base/log.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/program.h"

namespace rune::agent {
namespace {

using sandbox::Confinement;
using sandbox::DeniedAct;
using sandbox::FileAccess;

/// True when `path` is a directory of programs, under any of its names.
bool IsProgramDir(const std::string& path) {
  const auto real = RealPath(path);
  const auto& dirs = sandbox::ProgramDirs();
  return std::any_of(dirs.begin(), dirs.end(),
                     [&](const std::string& dir) { return dir == path || (real && RealPath(dir) == real); });
}

/// Whole directories of programs are listable by default; this makes them readable or executable.
void UncoverPrograms(FileAccess& files) {
  std::erase_if(files.list_only, [](const std::string& path) {
    const auto& dirs = sandbox::ProgramDirs();
    return std::find(dirs.begin(), dirs.end(), path) != dirs.end();
  });
}

/// Where programs keep themselves, their libraries and their helpers.
void AddEveryProgram(FileAccess& files) {
  UncoverPrograms(files);
  for (const std::string& dir : sandbox::ProgramDirs()) files.execute.push_back(dir);
  for (const char* dir : {"/usr/lib", "/usr/libexec", "/usr/local/lib", "/lib", "/lib32", "/lib64", "/libx32"}) {
    files.execute.emplace_back(dir);
  }
  std::erase_if(files.execute, [](const std::string& path) { return !Exists(path); });
}

/// What must be writable for a command to make `path`: the file, or the directory that it lies in. Empty when that
/// would be the root.
std::string WritablePlace(std::string path) {
  if (!Exists(path)) path = ParentOf(path);
  return path == "/" || !Exists(path) ? std::string() : path;
}

}  // namespace

const Policy::Compiled& Policy::compiled() const {
  if (!compiled_) compiled_ = Compile();
  return *compiled_;
}

Policy::Compiled Policy::Compile() const {
  Compiled out;
  std::vector<std::string> of_system;
  out.files = sandbox::SystemRead(&of_system);
  const std::vector<std::string> system_secrets = out.files.denied;
  for (const std::string& entry : config_.allowed_paths_ro) {
    const std::string path = FromConfig(entry);
    // Programs that are not allowed stay unreadable to commands: the dynamic loader runs what it can read.
    AddOnce(IsProgramDir(path) ? out.program_trees : out.files.read, path);
  }
  AddWritable(out);
  AddExecutable(out);
  if (!cwd_is_broad() && places_.cwd != places_.tmp_dir) AddOnce(out.files.read, places_.cwd);
  for (const std::string& path : places_.readable) AddOnce(out.files.read, NormalizePath(path, "/"));
  AddDenied(out);
  CloseCredentials(out, of_system);
  out.secrets = out.always_denied;
  out.secrets.insert(out.secrets.end(), system_secrets.begin(), system_secrets.end());
  for (const auto* list : {&out.denied, &out.always_denied}) {
    out.files.denied.insert(out.files.denied.end(), list->begin(), list->end());
  }
  return out;
}

/// The root, the home directory, and what lies above it.
bool Policy::cwd_is_broad() const {
  return places_.cwd == "/" || IsBelow(places_.home.empty() ? "/" : places_.home, places_.cwd);
}

/// Nobody who starts in a directory means to close it by a denial that nobody wrote: around it, everything stays
/// denied.
void Policy::AddDenied(Compiled& out) const {
  for (const std::string& entry : config_.denied_paths) {
    const std::string path = FromConfig(entry);
    const bool spared = config_.denied_by_default && Contains(PolicyConfig().denied_paths, entry) &&
                        path != places_.cwd && IsBelow(places_.cwd, path) && !cwd_is_broad();
    if (!spared) {
      AddOnce(out.denied, path);
      continue;
    }
    for (std::string inner = places_.cwd; inner != path; inner = ParentOf(inner)) {
      for (const std::string& name : NamesIn(ParentOf(inner))) {
        if (name != FileName(inner)) AddOnce(out.denied, NormalizePath(name, ParentOf(inner)));
      }
    }
  }
}

/// A name is looked up as commands do, a path is one in the working directory.
std::string Policy::Find(const std::string& program) const {
  return program.find('/') == std::string::npos ? sandbox::FindProgram(program, tool_path_) : FromConfig(program);
}

/// What a list names of them is opened; each is said once.
void Policy::CloseCredentials(Compiled& out, const std::vector<std::string>& of_system) const {
  std::vector<std::string> entries;
  for (const auto* list : {&config_.allowed_paths_ro, &config_.allowed_paths_rw}) {
    for (const std::string& entry : *list) entries.push_back(FromConfig(entry));
  }
  auto closed = agent::CloseCredentials(CredentialPaths({places_.home, places_.config_home, places_.data_home}),
                                        entries, out.writable_trees);
  out.always_denied = std::move(closed.denied);
  for (const std::string& path : closed.opened) Say("the policy opens " + path + ", which holds credentials");
  for (const std::string& path : of_system) {
    if (Contains(entries, path)) {
      std::erase(out.files.denied, path);
      Say("the policy opens " + path + ", which holds credentials");
    } else {
      out.always_denied.push_back(path);
      Say(path + " is closed to tools: it holds credentials");
    }
  }
}

void Policy::Say(std::string line) const {
  if (Contains(said_, line)) return;
  Log(LogLevel::kWarn, line);
  said_.push_back(std::move(line));
}

/// "/tmp" means the run's own directory; where commands cannot have that as their /tmp, it means the shared one too.
void Policy::AddWritable(Compiled& out) const {
  AddOnce(out.files.write, places_.tmp_dir);
  for (const std::string& entry : config_.allowed_paths_rw) {
    const std::string path = FromConfig(entry);
    AddOnce(out.files.write, path);
    if (path != "/tmp" && path != places_.tmp_dir) AddOnce(out.writable_trees, path);
  }
}

/// With every program allowed, what tools write is one of them.
void Policy::AddExecutable(Compiled& out) const {
  for (const std::string& entry : config_.allowed_paths_exec) {
    const std::string path = FromConfig(entry);
    AddOnce(out.exec_trees, path);
    AddOnce(out.files.read, path);
    // As commands see it, and where they cannot have their directory as /tmp.
    if (IsBelow(path, "/tmp")) AddOnce(out.exec_trees, places_.tmp_dir + path.substr(std::string_view("/tmp").size()));
  }
  if (!every_program()) return;
  AddOnce(out.exec_trees, places_.tmp_dir);
  for (const std::string& entry : config_.allowed_paths_rw) AddOnce(out.exec_trees, FromConfig(entry));
}

Confinement Policy::Base() const {
  Confinement confinement;
  confinement.files = compiled().files;
  confinement.files.execute_later = compiled().exec_trees;
  confinement.denied_syscalls = config_.denied_syscalls;
  confinement.enforcement = config_.enforcement;
  confinement.required = config_.required_layers;
  confinement.network = sandbox::Network::kClosed;
  confinement.git_config = config_.git_config;
  confinement.ci_files_protected = config_.ci_files_protected;
  confinement.home = places_.home;
  return confinement;
}

sandbox::ProtectedNames Policy::protected_names() const {
  return {.git_config = config_.git_config, .ci_files = config_.ci_files_protected, .home = places_.home};
}

Confinement Policy::ForFiles() const {
  Confinement confinement = Base();
  UncoverPrograms(confinement.files);
  for (const std::string& path : compiled().program_trees) confinement.files.read.push_back(path);
  return confinement;
}

Confinement Policy::ForWriting(const std::string& path) const {
  Confinement confinement = ForFiles();
  // By the name that the lists know, whatever links lead there.
  const auto parent = RealPath(ParentOf(path));
  const std::string place = parent ? NormalizePath(FileName(path), *parent) : path;
  sandbox::GrantMaking(path, confinement.files);
  if (place != path) sandbox::GrantMaking(place, confinement.files);
  return confinement;
}

Confinement Policy::ForApprovedFile(const Refusal& refusal) const {
  Confinement confinement = ForFiles();
  if (refusal.what == DeniedAct::kRead) confinement.files.read.push_back(refusal.target);
  if (refusal.what != DeniedAct::kWrite) return confinement;
  confinement.files.write.push_back(refusal.target);
  sandbox::GrantMaking(refusal.target, confinement.files);
  return confinement;
}

/// A real path.
bool Policy::IsWrittenFile(const std::string& path) const {
  return IsBelowAny(path, compiled().files.write) && !IsBelowAny(path, compiled().exec_trees);
}

bool Policy::IsWritten(const std::string& program) const {
  const std::string path = program.find('/') == std::string::npos ? Find(program) : ResolvePath(program);
  return !path.empty() && IsWrittenFile(RealPath(path).value_or(path));
}

std::vector<std::string> Policy::InterpreterOf(const std::string& path) { return sandbox::ScriptInterpreter(path); }

/// The files behind a program as they are now. Empty when there is no such program, or when some lie where tools can
/// write; of an approved one those files are left out.
std::vector<std::string> Policy::FilesNow(const std::string& program, Approved approved) const {
  Result<std::vector<std::string>> files = sandbox::ProgramFiles(Find(program));
  if (!files.ok()) return {};
  const bool written = std::erase_if(*files, [&](const std::string& path) { return IsWrittenFile(path); }) > 0;
  return written && approved == Approved::kNo ? std::vector<std::string>() : std::move(files).value();
}

/// FilesNow(), which is remembered for programs that tools cannot change.
std::vector<std::string> Policy::FilesOf(const std::string& program) const {
  if (const auto found = program_files_.find(program); found != program_files_.end()) return found->second;
  std::vector<std::string> files = FilesNow(program, Approved::kNo);
  const bool changes = IsBelowAny(FromConfig(program), compiled().files.write) ||
                       std::any_of(files.begin(), files.end(),
                                   [&](const std::string& path) { return IsBelowAny(path, compiled().files.write); });
  if (!changes) program_files_.emplace(program, files);
  return files;
}

/// An entry that names a program which tools could write themselves would allow nothing: said, not dropped.
Result<void> Policy::CheckPrograms() const {
  if (every_program()) return Ok();
  for (const std::string& entry : config_.allowed_commands) {
    const std::string path = Find(entry);
    if (path.empty()) continue;
    std::vector<std::string> files{RealPath(path).value_or(path)};
    if (auto found = sandbox::ProgramFiles(path); found.ok()) files = std::move(found).value();
    const auto written =
        std::find_if(files.begin(), files.end(), [&](const std::string& file) { return IsWrittenFile(file); });
    if (written == files.end()) continue;
    return Error::Invalid("allowed_commands: '" + OneLine(entry) + "' cannot run, because tools may write " +
                          (*written == path ? "it" : "'" + OneLine(*written) + "'") +
                          ": allowed_paths_exec is the list of what they may write and run");
  }
  return Ok();
}

/// Only what runs a program gets a network.
void Policy::OpenNetwork(Confinement& confinement) const {
  confinement.network = network_open() ? sandbox::Network::kOpen : sandbox::Network::kGuarded;
  if (network_open()) return;
  confinement.allowed_domains = config_.allowed_domains;
  confinement.max_upload_bytes = config_.max_upload_mb << 20;
}

Confinement Policy::ForCommand(const CommandPlan& plan, Approved approved) const {
  Confinement confinement = Base();
  OpenNetwork(confinement);
  FileAccess& files = confinement.files;
  if (every_program() || (approved == Approved::kYes && !plan.understood)) {
    AddEveryProgram(files);
  } else {
    std::vector<std::string> programs = config_.allowed_commands;
    if (plan.needs_shell()) programs.emplace_back("/bin/sh");
    for (const std::string& program : programs) {
      for (const std::string& path : FilesOf(program)) AddOnce(files.execute, path);
    }
    for (const std::string& program : approved == Approved::kYes ? plan.programs : std::vector<std::string>()) {
      for (const std::string& path : FilesNow(program, approved)) AddOnce(files.execute, path);
    }
  }
  if (!compiled().exec_trees.empty()) {
    for (const std::string& path : sandbox::DynamicLoaders()) AddOnce(files.execute, path);
  }
  for (const std::string& tree : compiled().exec_trees) AddOnce(files.execute, tree);
  for (const std::string& path : plan.writes) {
    const std::string target = ResolvePath(path);
    if (approved == Approved::kNo || IsBelowAny(target, files.write)) continue;
    if (std::string place = WritablePlace(target); !place.empty()) files.write.push_back(std::move(place));
  }
  return confinement;
}

Confinement Policy::ForFetch() const {
  Confinement confinement = Base();
  OpenNetwork(confinement);
  confinement.files.execute = FilesOf("curl");
  return confinement;
}

Confinement Policy::ForApprovedFetch(const Refusal& refusal) const {
  Confinement confinement = ForFetch();
  for (const std::string& entry : refusal.remedy.entries) AddOnce(confinement.allowed_domains, entry);
  return confinement;
}

}  // namespace rune::agent
