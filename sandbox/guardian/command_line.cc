#include "sandbox/guardian/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sandbox/base/duration.h"
#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/domain_allowlist.h"
#include "sandbox/layers/seccomp.h"
#include "sandbox/network/relay_proxy.h"

namespace rune::sandbox {
namespace {

using Handler = Result<void> (*)(CommandLine&, const std::string& value);

struct Flag {
  std::string_view name;
  std::string_view value;  ///< What it takes; empty: nothing.
  std::string_view help;
  Handler handle;
};

std::string Absolute(const std::string& path) { return NormalizePath(path, CurrentDirectory()); }

void Append(std::vector<std::string>& to, const std::vector<std::string>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

bool Grants(const FileAccess& files, const std::string& path) {
  for (const auto* roots : {&files.read, &files.execute, &files.write}) {
    for (const std::string& root : *roots) {
      if (IsBelow(path, root)) return true;
    }
  }
  return false;
}

Result<void> AddSystem(CommandLine& line, const std::string&) {
  const FileAccess system = SystemRead();
  FileAccess& files = line.confinement.files;
  Append(files.read, system.read);
  Append(files.write, system.write);
  Append(files.denied, system.denied);
  // By hand every installed program may run, so the list-only rule of SystemRead() is not wanted.
  for (const char* tree : {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt"}) {
    if (Exists(tree)) files.execute.emplace_back(tree);
  }
  return Ok();
}

Result<void> SetNetwork(CommandLine& line, const std::string& value) {
  if (value == "none")
    line.confinement.network = Network::kClosed;
  else if (value == "guarded")
    line.confinement.network = Network::kGuarded;
  else if (value == "open")
    line.confinement.network = Network::kOpen;
  else
    return Error::Invalid("--net takes 'none', 'guarded' or 'open', not '" + value + "'");
  return Ok();
}

Result<void> AllowDomain(CommandLine& line, const std::string& value) {
  RUNE_RETURN_IF_ERROR(DomainAllowlist::Parse({value}));
  if (value == "*") line.confinement.network = Network::kOpen;
  line.confinement.allowed_domains.push_back(value);
  return Ok();
}

Result<void> SetProxy(CommandLine& line, const std::string& value) {
  RUNE_RETURN_IF_ERROR(ParseUpstreamProxy(value));
  line.proxy = value;
  return Ok();
}

Result<void> SetMaxUpload(CommandLine& line, const std::string& value) {
  RUNE_ASSIGN_OR_RETURN(line.confinement.max_upload_bytes, ParseSize(value));
  return Ok();
}

Result<void> SetMemory(CommandLine& line, const std::string& value) {
  RUNE_ASSIGN_OR_RETURN(line.limits.memory_bytes, ParseSize(value));
  return Ok();
}

Result<void> SetPids(CommandLine& line, const std::string& value) {
  const auto number = ParseInt(value);
  if (!number || *number < 0 || *number > 4'000'000)
    return Error::Invalid("--pids takes a number, not '" + value + "'");
  line.limits.pids = static_cast<std::uint32_t>(*number);
  return Ok();
}

Result<void> SetDisk(CommandLine& line, const std::string& value) {
  RUNE_ASSIGN_OR_RETURN(line.limits.disk_bytes, ParseSize(value));
  return Ok();
}

Result<void> SetCpu(CommandLine& line, const std::string& value) {
  const auto number = ParseInt(value);
  if (!number || *number < 1 || *number > 1'000'000'000)
    return Error::Invalid("--cpu takes whole seconds, not '" + value + "'");
  line.command.limits.cpu_seconds = static_cast<std::uint32_t>(*number);
  return Ok();
}

Result<void> SetTimeout(CommandLine& line, const std::string& value) {
  RUNE_ASSIGN_OR_RETURN(line.command.limits.wall, ParseDuration(value));
  return Ok();
}

Result<void> SetMaxOutput(CommandLine& line, const std::string& value) {
  RUNE_ASSIGN_OR_RETURN(line.command.limits.output_bytes, ParseSize(value));
  line.capture = true;
  return Ok();
}

Result<void> SetMaxFile(CommandLine& line, const std::string& value) {
  RUNE_ASSIGN_OR_RETURN(line.command.limits.file_bytes, ParseSize(value));
  return Ok();
}

Result<void> AddEnv(CommandLine& line, const std::string& value) {
  if (value.find('=') == std::string::npos || value.front() == '=') return Error::Invalid("--env takes NAME=VALUE");
  line.command.env.push_back(value);
  return Ok();
}

Result<void> DenySyscall(CommandLine& line, const std::string& value) {
  // Compiled once to learn that the name exists: a mistake here is one of usage, not of the machine.
  auto program = CompileSeccomp({.network = Network::kClosed, .denied_syscalls = {value}});
  if (!program.ok()) return std::move(program).error().Wrap("--deny-syscall");
  line.confinement.denied_syscalls.push_back(value);
  return Ok();
}

Result<void> SetRequire(CommandLine& line, const std::string& value) {
  line.confinement.enforcement = Enforcement::kRequire;
  if (value.empty()) return Ok();
  for (const std::string_view name : Split(value, ',')) {
    const auto layer = ParseLayer(name);
    if (!layer)
      return Error::Invalid("--require: no layer '" + std::string(name) +
                            "' (limits, network, seccomp, landlock, names)");
    line.confinement.required.push_back(*layer);
  }
  return Ok();
}

template <std::vector<std::string> FileAccess::* kList>
Result<void> AddPath(CommandLine& line, const std::string& value) {
  (line.confinement.files.*kList).push_back(Absolute(value));
  return Ok();
}

Result<void> SetDirectory(CommandLine& line, const std::string& value) {
  line.command.cwd = Absolute(value);
  return Ok();
}

Result<void> SetReport(CommandLine& line, const std::string& value) {
  line.report_path = value;
  return Ok();
}

Result<void> BeQuiet(CommandLine& line, const std::string&) {
  line.quiet = true;
  return Ok();
}

template <Command::Kind kKind>
Result<void> SetKind(CommandLine& line, const std::string&) {
  line.command.kind = kKind;
  return Ok();
}

Result<void> WatchOnly(CommandLine& line, const std::string&) {
  line.confinement.watch_only = true;
  return Ok();
}

Result<void> SetGitConfig(CommandLine& line, const std::string& value) {
  if (value == "readonly")
    line.confinement.git_config = GitConfig::kReadOnly;
  else if (value == "guarded")
    line.confinement.git_config = GitConfig::kGuarded;
  else if (value == "open")
    line.confinement.git_config = GitConfig::kOpen;
  else
    return Error::Invalid("--git-config takes 'readonly', 'guarded' or 'open', not '" + value + "'");
  return Ok();
}

template <CommandLine::Action kAction>
Result<void> SetAction(CommandLine& line, const std::string&) {
  line.action = kAction;
  return Ok();
}

constexpr Flag kFlags[] = {
    {"--ro", "PATH", "a file or tree that may be read", AddPath<&FileAccess::read>},
    {"--rox", "PATH", "a file or tree that may be read and executed", AddPath<&FileAccess::execute>},
    {"--rw", "PATH", "a file or tree that may be read, written and created in", AddPath<&FileAccess::write>},
    {"--deny", "PATH", "closed, whatever else was granted", AddPath<&FileAccess::denied>},
    {"--system", "",
     "what programs need to start: /usr, /bin, /lib executable, /etc without its secrets, /proc, /dev/null", AddSystem},
    {"--allow-domain", "NAME", "that may be reached: name, *.suffix, address or range, each with :port; '*' opens all",
     AllowDomain},
    {"--net", "none|guarded|open",
     "no internet sockets, allowed domains and own servers only (default), or the host's network", SetNetwork},
    {"--proxy", "URL", "http://host:port through which names are reached (default: directly)", SetProxy},
    {"--max-upload", "SIZE", "under each allowed entry (default: no limit)", SetMaxUpload},
    {"--memory", "SIZE", "of the whole tree (default 2G; 0: no limit)", SetMemory},
    {"--pids", "N", "processes and threads of the whole tree (default 512; 0: no limit)", SetPids},
    {"--disk", "SIZE", "of space that its files take (default 0: no limit)", SetDisk},
    {"--cpu", "SECONDS", "processor time of the whole tree", SetCpu},
    {"--timeout", "TIME", "wall clock of the whole tree, for instance 30, 1.5, 500ms, 2m (default 120; 0: none)",
     SetTimeout},
    {"--max-output", "SIZE", "of standard output and error together; more kills the tree", SetMaxOutput},
    {"--max-file", "SIZE", "of any file written (default 1G)", SetMaxFile},
    {"--git-config", "readonly|guarded|open",
     "what may change in repositories: no settings, none that make git run programs (default), or all", SetGitConfig},
    {"--deny-syscall", "NAME", "a system call that fails with EPERM, with its whole family", DenySyscall},
    {"--env", "NAME=VALUE", "added to PATH, HOME and TMPDIR, which is all the command gets", AddEnv},
    {"--chdir", "PATH", "working directory (default: this one when a flag grants it, else $TMPDIR)", SetDirectory},
    {"--require", "[LAYER,...]", "refuse to run unless these layers (default: all that the flags ask for) are in force",
     SetRequire},
    {"--report", "FILE", "write what happened as JSON: layers, exit, limits, denials ('-': to standard output)",
     SetReport},
    {"--quiet", "", "say nothing but errors: no layers that are missing, no refusals, no paths that are not there",
     BeQuiet},
    {"--builtin", "",
     "the command is a file operation (read, write, edit, list, find, search, inspect), done without exec",
     SetKind<Command::Kind::kBuiltin>},
    {"--probe", "", "no command: try forbidden acts under these flags and without them, and print what happened",
     SetKind<Command::Kind::kProbe>},
    {"--audit", "", "watch the network and the programs instead of holding them, and print the policy that was needed",
     WatchOnly},
    {"--help", "", "this text", SetAction<CommandLine::Action::kHelp>},
    {"--version", "", "the version", SetAction<CommandLine::Action::kVersion>},
};

/// "[LAYER,...]": a value that may be missing.
bool ValueIsOptional(const Flag& flag) { return flag.value.starts_with('['); }

/// Whether the word after such a flag is its value, and not the command: no command has the name of a layer.
bool NamesLayers(const std::string& word) {
  const auto names = Split(word, ',');
  return std::all_of(names.begin(), names.end(), [](std::string_view name) { return ParseLayer(name).has_value(); });
}

Result<const Flag*> FindFlag(const std::string& name) {
  std::vector<std::string> names;
  for (const Flag& flag : kFlags) {
    if (flag.name == name) return &flag;
    names.emplace_back(flag.name);
  }
  const auto near = Nearest(name, names);
  return Error::Invalid("unknown flag '" + name + "'" + (near ? " (did you mean '" + *near + "'?)" : ""));
}

/// What flags name and is not there; but for the file that the operation is to make.
std::vector<std::string> Missing(const FileAccess& files, const std::string& made) {
  std::vector<std::string> lines;
  for (const auto& [flag, paths] :
       {std::pair("--ro", &files.read), {"--rox", &files.execute}, {"--rw", &files.write}}) {
    for (const std::string& path : *paths) {
      if (!Exists(path) && path != made)
        lines.push_back(std::string(flag) + " " + OneLine(path) + ": there is no such path");
    }
  }
  return lines;
}

}  // namespace

Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments) {
  CommandLine line;
  line.command.cwd.clear();
  std::size_t i = 0;
  for (; i < arguments.size() && arguments[i] != "--" && arguments[i].starts_with("-"); ++i) {
    const std::size_t equals = arguments[i].find('=');
    const bool attached = equals != std::string::npos;
    RUNE_ASSIGN_OR_RETURN(const Flag* flag, FindFlag(arguments[i].substr(0, equals)));
    std::string value = attached ? arguments[i].substr(equals + 1) : "";
    if (flag->value.empty() && attached) return Error::Invalid(std::string(flag->name) + " takes no value");
    const bool takes_next =
        ValueIsOptional(*flag) ? i + 1 < arguments.size() && NamesLayers(arguments[i + 1]) : !flag->value.empty();
    if (takes_next && !attached) {
      if (++i == arguments.size())
        return Error::Invalid(std::string(flag->name) + " takes " + std::string(flag->value));
      value = arguments[i];
    }
    RUNE_RETURN_IF_ERROR(flag->handle(line, value));
  }
  if (i < arguments.size() && arguments[i] == "--") ++i;
  line.command.argv.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
  if (line.command.cwd.empty() && Grants(line.confinement.files, Absolute("."))) line.command.cwd = Absolute(".");
  const auto& argv = line.command.argv;
  if (line.command.kind == Command::Kind::kBuiltin && argv.size() > 1 && argv[0] == "write") {
    GrantMaking(Absolute(argv[1]), line.confinement.files);
  }
  line.notices = Missing(line.confinement.files, argv.size() > 1 ? Absolute(argv[1]) : "");
  if (line.command.kind == Command::Kind::kProbe) line.command.argv = {"probe"};
  if (line.command.argv.empty() && line.action == CommandLine::Action::kRun) return Error::Invalid("no command given");
  return line;
}

std::string HelpText() {
  std::string text =
      "Usage: rune-sandbox [flags] [--] command [arguments]\n\n"
      "Runs a command under five layers: limits, network, seccomp, Landlock, names. Nothing is granted that no flag "
      "names;\n"
      "a private directory is always there as $TMPDIR. When the command ends, everything it started is killed.\n\n";
  for (const Flag& flag : kFlags) {
    std::string head = "  " + std::string(flag.name);
    if (!flag.value.empty()) head += (ValueIsOptional(flag) ? "" : " ") + std::string(flag.value);
    head.append(head.size() < 26 ? 26 - head.size() : 1, ' ');
    text += head + std::string(flag.help) + "\n";
  }
  return text +
         "\nExit status: that of the command; 128+N when signal N ended it; 124 when a limit did; 126 when the sandbox "
         "could not\n"
         "be set up or refused; 127 when there is no such command; 2 on wrong usage.\n"
         "Example: rune-sandbox --system --rw . --pids 32 -- make\n";
}

Result<std::uint64_t> ParseSize(const std::string& text) {
  std::string digits = text;
  std::uint64_t unit = 1;
  if (!digits.empty()) {
    const char suffix = ToLower(digits.substr(digits.size() - 1))[0];
    if (suffix == 'k') unit = 1ull << 10;
    if (suffix == 'm') unit = 1ull << 20;
    if (suffix == 'g') unit = 1ull << 30;
    if (unit > 1) digits.pop_back();
  }
  const auto number = ParseInt(digits);
  if (!number || *number < 0 || *number > (1ll << 32))
    return Error::Invalid("not a size: '" + text + "' (for instance 512M)");
  return static_cast<std::uint64_t>(*number) * unit;
}

Result<Milliseconds> ParseDuration(const std::string& text) {
  const auto time = rune::ParseDuration(text);
  if (!time) return Error::Invalid("not a time: '" + text + "' (for instance 30, 500ms, 2m)");
  return *time;
}

}  // namespace rune::sandbox
